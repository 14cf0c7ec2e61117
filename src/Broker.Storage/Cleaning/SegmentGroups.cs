using Broker.Configuration;

namespace Broker.Storage;

/// <summary>Neighbours that become one segment: small ones are put together as long as nothing of the result can grow too large, counted by their present sizes.</summary>
internal static class SegmentGroups
{
    /// <param name="segments">Those to be cleaned, in order.</param>
    /// <param name="config">Whose segment.bytes and segment.index.bytes hold.</param>
    /// <param name="firstUncleanableOffset">Where the last one ends at most.</param>
    public static List<LogSegment[]> Of(ReadOnlySpan<LogSegment> segments, TopicConfig config, long firstUncleanableOffset)
    {
        List<LogSegment[]> groups = [];
        for (int start = 0; start < segments.Length;)
        {
            long bytes = segments[start].Size;
            long offsetIndexBytes = OffsetIndexBytes(segments[start]);
            long timeIndexBytes = TimeIndexBytes(segments[start]);
            int end = start + 1;
            for (; end < segments.Length; end++)
            {
                LogSegment next = segments[end];
                bytes += next.Size;
                offsetIndexBytes += OffsetIndexBytes(next);
                timeIndexBytes += TimeIndexBytes(next);
                long lastOffset = (end + 1 < segments.Length ? segments[end + 1].BaseOffset : firstUncleanableOffset) - 1;
                if (bytes > config.SegmentBytes || offsetIndexBytes > config.SegmentIndexBytes || timeIndexBytes > config.SegmentIndexBytes
                    || lastOffset - segments[start].BaseOffset > int.MaxValue)
                {
                    break;
                }
            }

            groups.Add(segments[start..end].ToArray());
            start = end;
        }

        return groups;
    }

    private static long OffsetIndexBytes(LogSegment segment) => (long)segment.Offsets.Count * OffsetIndex.EntrySize;

    private static long TimeIndexBytes(LogSegment segment) => (long)segment.Times.Count * TimeIndex.EntrySize;
}
