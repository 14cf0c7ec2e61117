using System.Buffers.Binary;

namespace Broker.Storage;

internal readonly record struct TimeEntry(long TimestampMs, long Offset);

/// <summary>
/// Sparse index of one segment: (largest timestamp so far, last offset of the batch that holds it), timestamps strictly growing. Memory and file as
/// <see cref="OffsetIndex"/>. Changed under the log's lock; readers take the index's own.
/// </summary>
internal sealed class TimeIndex
{
    public const int EntrySize = 12;

    private readonly long _baseOffset;
    private readonly Lock _lock = new();
    private readonly List<TimeEntry> _entries;

    // Entries on disk; -1 when the file must be written as a whole.
    private int _written;

    public TimeIndex(long baseOffset)
        : this(baseOffset, [], -1)
    {
    }

    private TimeIndex(long baseOffset, List<TimeEntry> entries, int written)
    {
        _baseOffset = baseOffset;
        _entries = entries;
        _written = written;
    }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    public bool HasUnwritten => _written != Count;

    /// <summary>(-1, base offset) when empty.</summary>
    public TimeEntry Last
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count > 0 ? _entries[^1] : new TimeEntry(-1, _baseOffset);
            }
        }
    }

    /// <summary>Null when the bytes cannot be this segment's index: the caller rebuilds it.</summary>
    public static TimeIndex? Parse(long baseOffset, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % EntrySize != 0)
        {
            return null;
        }

        List<TimeEntry> entries = new(bytes.Length / EntrySize);
        TimeEntry previous = new(-1, baseOffset);
        for (int at = 0; at < bytes.Length; at += EntrySize)
        {
            TimeEntry entry = Decode(bytes[at..], baseOffset);
            if (entry.TimestampMs <= previous.TimestampMs || entry.Offset < previous.Offset)
            {
                return null;
            }

            entries.Add(entry);
            previous = entry;
        }

        return new TimeIndex(baseOffset, entries, entries.Count);
    }

    public static TimeEntry Decode(ReadOnlySpan<byte> entry, long baseOffset) =>
        new(BinaryPrimitives.ReadInt64BigEndian(entry), baseOffset + BinaryPrimitives.ReadInt32BigEndian(entry[8..]));

    /// <summary>One slot less than fits: the last one belongs to the entry written at roll.</summary>
    public bool IsFull(int maxIndexBytes) => Count >= (maxIndexBytes / EntrySize) - 1;

    public void MaybeAppend(TimeEntry entry)
    {
        lock (_lock)
        {
            long last = _entries.Count > 0 ? _entries[^1].TimestampMs : -1;
            if (entry.TimestampMs > last)
            {
                _entries.Add(entry);
            }
        }
    }

    /// <summary>The last entry whose timestamp is below the target, so that nothing before it can be the answer; the segment's start when there is none.</summary>
    public TimeEntry Lookup(long timestampMs)
    {
        lock (_lock)
        {
            TimeEntry found = new(-1, _baseOffset);
            int low = 0;
            int high = _entries.Count - 1;
            while (low <= high)
            {
                int middle = (low + high) >>> 1;
                if (_entries[middle].TimestampMs < timestampMs)
                {
                    found = _entries[middle];
                    low = middle + 1;
                }
                else
                {
                    high = middle - 1;
                }
            }

            return found;
        }
    }

    public void TruncateTo(long offset)
    {
        lock (_lock)
        {
            int keep = _entries.Count;
            while (keep > 0 && _entries[keep - 1].Offset >= offset)
            {
                keep--;
            }

            if (keep < _entries.Count)
            {
                _entries.RemoveRange(keep, _entries.Count - keep);
                _written = -1;
            }
        }
    }

    public void WriteTo(LogFiles files, string path, bool durable)
    {
        lock (_lock)
        {
            int from = Math.Max(0, _written);
            byte[] bytes = new byte[(_entries.Count - from) * EntrySize];
            for (int i = from; i < _entries.Count; i++)
            {
                Span<byte> slot = bytes.AsSpan((i - from) * EntrySize);
                BinaryPrimitives.WriteInt64BigEndian(slot, _entries[i].TimestampMs);
                BinaryPrimitives.WriteInt32BigEndian(slot[8..], (int)(_entries[i].Offset - _baseOffset));
            }

            using var file = files.Open(path, create: true);
            files.Write(file, bytes, (long)from * EntrySize);
            files.SetLength(file, (long)_entries.Count * EntrySize);
            if (durable)
            {
                files.Flush(file);
            }

            _written = _entries.Count;
        }
    }
}
