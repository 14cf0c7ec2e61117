using System.Buffers.Binary;

namespace Broker.Storage;

/// <summary>An offset (of the last record of a batch, or of one behind it) and where that batch starts.</summary>
internal readonly record struct IndexEntry(long Offset, int Position);

/// <summary>
/// Sparse index of one segment: (last offset of a batch, position where that batch starts). Lives in memory while the segment is in use and is written to
/// NNN.index at flush, roll and close, without a syscall per append: a segment above the recovery point rebuilds its index after a crash.
/// One writer (under the log's lock), readers without a lock.
/// </summary>
internal sealed class OffsetIndex
{
    public const int EntrySize = 8;

    private readonly long _baseOffset;

    // Each entry packs what is on disk: relative offset in the upper half, position in the lower. A reader takes the count before the array:
    // arrays only grow, and a truncation replaces the array, so the entries below any count seen are final.
    private volatile ulong[] _entries;
    private volatile int _count;

    // Entries on disk; -1 when the file must be written as a whole.
    private int _written;

    public OffsetIndex(long baseOffset)
        : this(baseOffset, [], -1)
    {
    }

    private OffsetIndex(long baseOffset, ulong[] entries, int written)
    {
        _baseOffset = baseOffset;
        _entries = entries;
        _count = entries.Length;
        _written = written;
    }

    public int Count => _count;

    public bool HasUnwritten => _written != _count;

    /// <summary>The base offset when empty, as Kafka's sanity check takes it.</summary>
    public long LastOffset => _count is var count && count > 0 ? OffsetOf(_entries[count - 1]) : _baseOffset;

    /// <summary>Null when the bytes cannot be this segment's index: the caller rebuilds it.</summary>
    public static OffsetIndex? Parse(long baseOffset, ReadOnlySpan<byte> bytes, long logSize)
    {
        if (bytes.Length % EntrySize != 0)
        {
            return null;
        }

        ulong[] entries = new ulong[bytes.Length / EntrySize];
        ulong previous = 0;
        for (int i = 0; i < entries.Length; i++)
        {
            ulong entry = BinaryPrimitives.ReadUInt64BigEndian(bytes[(i * EntrySize)..]);

            // Offsets and positions both grow; zeros are the unused rest of a preallocated file of a crashed broker.
            bool isGrowing = (entry >> 32) > (previous >> 32) && (uint)entry > (uint)previous;
            if (!isGrowing || entry >> 32 > int.MaxValue || (uint)entry >= logSize)
            {
                return null;
            }

            entries[i] = previous = entry;
        }

        return new OffsetIndex(baseOffset, entries, entries.Length);
    }

    public bool IsFull(int maxIndexBytes) => _count >= maxIndexBytes / EntrySize;

    public void Append(long lastOffset, int position)
    {
        int count = _count;
        ulong[] entries = _entries;
        if (count == entries.Length)
        {
            Array.Resize(ref entries, Math.Max(16, count * 2));
            _entries = entries;
        }

        entries[count] = ((ulong)(lastOffset - _baseOffset) << 32) | (uint)position;
        _count = count + 1;
    }

    /// <summary>The last entry whose offset is not above <paramref name="offset"/>: a batch at or before the one that holds it. The segment's start without such an entry.</summary>
    public IndexEntry Lookup(long offset)
    {
        int high = _count - 1;
        ulong[] entries = _entries;
        int low = 0;
        IndexEntry found = new(_baseOffset, 0);
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (OffsetOf(entries[middle]) <= offset)
            {
                found = new IndexEntry(OffsetOf(entries[middle]), (int)(uint)entries[middle]);
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return found;
    }

    /// <summary>The first entry whose batch starts at the position or behind it; null without one.</summary>
    public IndexEntry? EntryAtOrAfter(int position)
    {
        int count = _count;
        ulong[] entries = _entries;
        int low = 0;
        int high = count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if ((int)(uint)entries[middle] < position)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low < count ? new IndexEntry(OffsetOf(entries[low]), (int)(uint)entries[low]) : null;
    }

    /// <summary>Keeps the entries below <paramref name="offset"/>.</summary>
    public void TruncateTo(long offset)
    {
        int keep = _count;
        while (keep > 0 && OffsetOf(_entries[keep - 1]) >= offset)
        {
            keep--;
        }

        if (keep < _count)
        {
            // Rewritten as a whole next time: what is on disk beyond the cut must go.
            _count = 0;
            _entries = _entries[..keep];
            _count = keep;
            _written = -1;
        }
    }

    /// <summary>Brings the file up to date; its length is exact, as after Kafka's trim.</summary>
    public void WriteTo(LogFiles files, string path, bool durable)
    {
        int from = Math.Max(0, _written);
        int count = _count;
        byte[] bytes = new byte[(count - from) * EntrySize];
        for (int i = from; i < count; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan((i - from) * EntrySize), _entries[i]);
        }

        using var file = files.Open(path, create: true);
        files.Write(file, bytes, (long)from * EntrySize);
        files.SetLength(file, (long)count * EntrySize);
        if (durable)
        {
            files.Flush(file);
        }

        _written = count;
    }

    private long OffsetOf(ulong entry) => _baseOffset + (long)(entry >> 32);
}
