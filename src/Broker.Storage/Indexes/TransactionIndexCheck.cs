using System.Buffers;

namespace Broker.Storage;

/// <summary>Holds the transaction index of a segment against the log, and makes it anew from there.</summary>
internal static class TransactionIndexCheck
{
    private const int ScanBufferSize = 256 * 1024;

    // A marker's batch has one record of a few bytes.
    private const int MarkerBufferSize = 512;

    /// <summary>
    /// Whether there is an ABORT marker of the producer where each entry says that its transaction ends, and a record of it where it says that it begins; and whether no
    /// transaction that ends later, or is open now, began below what an entry calls stable, because searches end there.
    /// </summary>
    public static bool Holds(LogServices services, LogSegment[] segments, int index, AbortedTransaction[] entries, long firstOpenOffset)
    {
        long stable = entries.Length > 0 ? entries[^1].LastStableOffset : 0;
        for (int i = index + 1; i < segments.Length; i++)
        {
            foreach (AbortedTransaction later in segments[i].Transactions.ToArray())
            {
                if (later.FirstOffset < stable)
                {
                    return false;
                }
            }
        }

        if (firstOpenOffset < stable)
        {
            return false;
        }

        foreach (AbortedTransaction entry in entries)
        {
            if (!IsMarker(services, segments[index], entry) || !MayBegin(services, segments, index, entry))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The aborted transactions whose markers lie in the segment, from the newest producer snapshot before it on.</summary>
    public static List<AbortedTransaction> FromLog(LogServices services, string directory, LogSegment[] segments, int index)
    {
        List<AbortedTransaction> aborted = [];
        ProducerStates producers = ProducerSnapshots.Before(services, directory, segments, segments[index].BaseOffset);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScanBufferSize);
        for (int i = 0; i <= index; i++)
        {
            if (i < index && segments[i + 1].BaseOffset <= producers.EndOffset)
            {
                continue;
            }

            LogSegment segment = segments[i];
            BatchScanner scanner = new(services.Files, segment.File, 0, segment.Size, buffer);
            while (scanner.MoveNext())
            {
                BatchInfo batch = scanner.Current;
                if (!batch.HasProducer || batch.BaseOffset < producers.EndOffset)
                {
                    continue;
                }

                ControlRecord? marker = batch.IsControl && ControlRecord.TryParse(scanner.CurrentBytes(), out ControlRecord parsed) ? parsed : null;
                if (producers.Apply(batch, marker) is { IsAborted: true } ended && i == index)
                {
                    aborted.Add(new AbortedTransaction(ended.ProducerId, ended.FirstOffset, ended.LastOffset, producers.StableOffsetAfter(ended)));
                }
            }
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return aborted;
    }

    private static bool IsMarker(LogServices services, LogSegment segment, AbortedTransaction entry)
    {
        Span<byte> bytes = stackalloc byte[MarkerBufferSize];
        return TryRead(services, segment, entry.LastOffset, ref bytes, out BatchInfo batch)
            && batch.IsControl && batch.ProducerId == entry.ProducerId && batch.LastOffset == entry.LastOffset
            && ControlRecord.TryParse(bytes, out ControlRecord marker) && marker.IsAbort;
    }

    /// <summary>Retention or compaction may have taken the first record away: then nothing can be said.</summary>
    private static bool MayBegin(LogServices services, LogSegment[] segments, int index, AbortedTransaction entry)
    {
        if (entry.FirstOffset < segments[0].BaseOffset)
        {
            return true;
        }

        int at = index;
        while (at > 0 && segments[at].BaseOffset > entry.FirstOffset)
        {
            at--;
        }

        Span<byte> bytes = stackalloc byte[MarkerBufferSize];
        return !TryRead(services, segments[at], entry.FirstOffset, ref bytes, out BatchInfo batch)
            || batch.BaseOffset > entry.FirstOffset
            || (batch.BaseOffset == entry.FirstOffset && batch.ProducerId == entry.ProducerId && batch.IsTransactional && !batch.IsControl);
    }

    private static bool TryRead(LogServices services, LogSegment segment, long offset, ref Span<byte> bytes, out BatchInfo batch)
    {
        batch = default;
        if (!segment.TryFind(offset, out BatchPosition found, out _))
        {
            return false;
        }

        bytes = bytes[..Math.Min(bytes.Length, found.Size)];
        return services.Files.Read(segment.File, bytes, found.Position) == bytes.Length && BatchInfo.TryParse(bytes, out batch);
    }
}
