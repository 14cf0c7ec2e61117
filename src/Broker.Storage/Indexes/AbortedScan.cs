using System.Buffers;

namespace Broker.Storage;

/// <summary>
/// Finds the aborted transactions whose markers lie in the part of a segment that an earlier process wrote, by headers and markers alone. It starts from the newest producer
/// snapshot at or before the segment, which knows the transactions that are open there; usually that is the segment's own. Used by one thread, once.
/// </summary>
internal sealed class AbortedScan
{
    // A header costs one read of that size when batches are larger.
    private const int BufferSize = 16 * 1024;

    private readonly Dictionary<long, Course> _courses = [];
    private readonly SortedDictionary<long, long> _open = [];
    private readonly List<FoundAbort> _aborts = [];

    // Where a transaction of a producer that was not met yet may have begun.
    private long _floor;

    private AbortedScan()
    {
    }

    public IReadOnlyList<FoundAbort> Aborts => _aborts;

    /// <summary>False when the log could not be read to the end of that part.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>Every offset from where the scan begins is there, and what came before is known: nothing else can be right.</summary>
    public bool IsExact { get; private set; } = true;

    /// <param name="services">Of the log.</param>
    /// <param name="directory">Of the log.</param>
    /// <param name="segments">Of the log.</param>
    /// <param name="index">The segment whose markers count.</param>
    /// <param name="verify">Whether batches of producers have to pass their checksums.</param>
    public static AbortedScan Of(LogServices services, string directory, LogSegment[] segments, int index, bool verify)
    {
        AbortedScan scan = new();
        long start = scan.Begin(ProducerSnapshots.Before(services, directory, segments, segments[index].BaseOffset));
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            long next = start;
            for (int i = 0; i <= index && scan.IsWhole; i++)
            {
                if (i == index || segments[i + 1].BaseOffset > start)
                {
                    next = scan.Follow(services.Files, segments[i], start, next, i == index, verify, buffer);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return scan;
    }

    private long Begin(ProducerStates snapshot)
    {
        bool isKnown = snapshot.SnapshotOffset >= 0 || snapshot.EndOffset == 0;
        IsExact = isKnown;
        _floor = isKnown ? snapshot.EndOffset : 0;
        foreach (ProducerState producer in snapshot.All)
        {
            if (producer.TransactionFirstOffset is var first and >= 0)
            {
                _courses[producer.ProducerId] = new Course(first, first);
                _open[first] = producer.ProducerId;
            }
        }

        return snapshot.EndOffset;
    }

    /// <summary>Takes the batches of a segment from an offset on. Returns the offset behind the last.</summary>
    private long Follow(LogFiles files, LogSegment segment, long from, long next, bool isAsked, bool verify, Span<byte> buffer)
    {
        int end = isAsked ? segment.ForeignBytes : segment.Size;
        long previous = segment.BaseOffset - 1;
        BatchScanner scanner = new(files, segment.File, 0, end, buffer);
        while (scanner.MoveNext())
        {
            BatchInfo batch = scanner.Current;
            if (!batch.Follows(previous, segment.BaseOffset))
            {
                IsWhole = false;
                return next;
            }

            previous = batch.LastOffset;
            if (batch.BaseOffset < from)
            {
                continue;
            }

            IsExact &= batch.BaseOffset == next && batch.HasRecords;
            next = batch.LastOffset + 1;
            if (!batch.HasProducer)
            {
                continue;
            }

            if (verify && !scanner.CurrentIsIntact())
            {
                IsWhole = false;
                return next;
            }

            if (batch.IsControl)
            {
                TakeMarker(batch, ControlRecord.TryParse(scanner.CurrentBytes(), out ControlRecord marker) ? marker : null, isAsked);
            }
            else
            {
                TakeRecords(batch);
            }
        }

        IsWhole = scanner.NextPosition == end;
        return next;
    }

    private void TakeRecords(in BatchInfo batch)
    {
        Course course = CourseOf(batch.ProducerId);
        if (!batch.HasRecords || course.FirstOffset >= 0)
        {
            // What compaction leaves of a batch may belong to either transaction beside it.
            return;
        }

        if (batch.IsTransactional)
        {
            _courses[batch.ProducerId] = course with { FirstOffset = batch.BaseOffset };
            _open[batch.BaseOffset] = batch.ProducerId;
        }
        else
        {
            _courses[batch.ProducerId] = course with { LowestFirstOffset = batch.LastOffset + 1 };
        }
    }

    private void TakeMarker(in BatchInfo batch, ControlRecord? marker, bool isAsked)
    {
        if (marker is { IsAbort: false, IsCommit: false })
        {
            return;
        }

        Course course = CourseOf(batch.ProducerId);
        if (course.FirstOffset >= 0)
        {
            _open.Remove(course.FirstOffset);
        }

        _courses[batch.ProducerId] = new Course(batch.LastOffset + 1, -1);
        if (isAsked && marker is { IsAbort: true })
        {
            _aborts.Add(new FoundAbort(batch.ProducerId, course.LowestFirstOffset, course.FirstOffset, batch.LastOffset, FirstOpen() ?? batch.LastOffset + 1));
        }
    }

    private Course CourseOf(long producerId) => _courses.TryGetValue(producerId, out Course known) ? known : new Course(_floor, -1);

    private long? FirstOpen()
    {
        foreach (long first in _open.Keys)
        {
            return first;
        }

        return null;
    }

    /// <summary>Where the transaction of a producer may have begun at the earliest, and its first record; -1 before that.</summary>
    private readonly record struct Course(long LowestFirstOffset, long FirstOffset);
}
