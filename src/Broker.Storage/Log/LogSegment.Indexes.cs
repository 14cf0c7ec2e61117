using System.Buffers;
using System.Buffers.Binary;

namespace Broker.Storage;

internal sealed partial class LogSegment
{
    // Large enough that a scan of small batches is a handful of reads, small enough for the pool.
    private const int ScanBufferSize = 256 * 1024;

    /// <summary>Largest timestamp and the last offset of its batch; (-1, base) when no batch has one. Loaded from the end of the time index alone.</summary>
    public TimeEntry Max
    {
        get
        {
            lock (_sync)
            {
                return _max ??= PeekMax();
            }
        }
    }

    /// <summary>What retention compares: records without timestamps count from the file's last change.</summary>
    public long LargestTimestampMs => Max.TimestampMs is var time && time >= 0 ? time : new DateTimeOffset(LastModifiedUtc).ToUnixTimeMilliseconds();

    /// <summary>Whether it begins with a batch of format 2, the only one that producers with ids write.</summary>
    public bool HasCurrentFormat
    {
        get
        {
            Span<byte> buffer = stackalloc byte[BatchInfo.HeaderSize];
            BatchScanner scanner = new(_files, File, 0, _size, buffer);
            return _size > 0 && scanner.MoveNext() && scanner.Current.Magic >= 2;
        }
    }

    /// <summary>Timestamp that segment.ms counts from; null when empty or without timestamps.</summary>
    public long? FirstBatchTimestampMs
    {
        get
        {
            lock (_sync)
            {
                if (_firstBatchTimestampMs is null && _size > 0)
                {
                    Span<byte> buffer = stackalloc byte[BatchInfo.HeaderSize];
                    BatchScanner scanner = new(_files, _file ??= _files.Open(PathOf(LogFileNames.Log), create: false), 0, _size, buffer);
                    _firstBatchTimestampMs = scanner.MoveNext() ? scanner.Current.MaxTimestamp : -1;
                }

                return _firstBatchTimestampMs is >= 0 ? _firstBatchTimestampMs : null;
            }
        }
    }

    /// <summary>
    /// Checks every batch, cuts the file after the last good one, rebuilds the indexes. Returns the bytes that were cut, those of a file where nothing else but zeros was left apart, and the
    /// offset after the last record.
    /// </summary>
    /// <param name="epochs">Told of the batches' leader epochs.</param>
    /// <param name="gapsBelow">Below this offset compaction may have left gaps. Elsewhere a batch that does not begin where the one before it ends has a wrong base offset, which no checksum covers.</param>
    /// <param name="limit">Where the next segment starts.</param>
    public (long CutBytes, long UnusedBytes, long NextOffset) Recover(LeaderEpochs epochs, long gapsBelow, long limit)
    {
        long fileLength = _files.Length(File);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScanBufferSize);
        try
        {
            return Recover(epochs, gapsBelow, limit, fileLength, buffer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Adds the leader epochs of all batches, by their headers.</summary>
    public void CollectEpochs(LeaderEpochs epochs)
    {
        if (_size == 0)
        {
            return;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScanBufferSize);
        BatchScanner scanner = new(_files, File, 0, _size, buffer);
        while (scanner.MoveNext())
        {
            epochs.AssignIfNewer(scanner.Current.LeaderEpoch, scanner.Current.BaseOffset);
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>The active segment stops growing: its last time entry and both indexes go to disk.</summary>
    public void BecomeInactive()
    {
        if (_offsets is null && _times is null && !Transactions.HasUnwritten)
        {
            // Not touched since it was loaded: its files are as they were closed.
            return;
        }

        Times.MaybeAppend(Max);
        WriteIndexes(durable: false);
        if (_hasUnusedEnd)
        {
            _files.SetLength(File, _size);
            _hasUnusedEnd = false;
        }
    }

    public void WriteIndexes(bool durable)
    {
        lock (_sync)
        {
            if (_suffix.Length > 0)
            {
                return;
            }

            _hasUnflushedIndexes = true;
            Transactions.Write(durable);
            if (_offsets is { } offsets && (offsets.HasUnwritten || durable))
            {
                offsets.WriteTo(_files, PathOf(LogFileNames.OffsetIndex), durable);
            }

            if (_times is { } times && (times.HasUnwritten || durable))
            {
                times.WriteTo(_files, PathOf(LogFileNames.TimeIndex), durable);
            }

            _hasUnflushedIndexes = !durable;
        }
    }

    /// <summary>For what readers and a start need: they have the indexes in memory, and the files follow with the next flush.</summary>
    private void WriteIndexesIfThereIsRoom()
    {
        try
        {
            WriteIndexes(durable: false);
        }
        catch (DiskFullException)
        {
            // Still counted as not flushed. Whoever appends meets the same wall and tells.
        }
    }

    private (long CutBytes, long UnusedBytes, long NextOffset) Recover(LeaderEpochs epochs, long gapsBelow, long limit, long fileLength, Span<byte> buffer)
    {
        OffsetIndex offsets = new(BaseOffset);
        TimeIndex times = new(BaseOffset);
        long next = BaseOffset;
        _tail.Clear();
        _bytesSinceIndexEntry = 0;
        TimeEntry max = new(-1, BaseOffset);
        BatchScanner scanner = new(_files, File, 0, Math.Min(fileLength, int.MaxValue), buffer);
        int good = 0;
        while (scanner.MoveNext() && scanner.Current.Follows(next - 1, BaseOffset)
            && (_services.Omits == Omission.Checksums || scanner.CurrentIsIntact()))
        {
            bool isBehindGap = scanner.Current.Magic >= 2 && scanner.Current.BaseOffset > next;
            if (isBehindGap && (next >= gapsBelow || IsDisproved(scanner.Current, scanner.NextPosition, fileLength, limit)))
            {
                break;
            }

            max = AppendToIndexes(scanner.Current, good, offsets, times, max);
            epochs.AssignIfNewer(scanner.Current.LeaderEpoch, scanner.Current.BaseOffset);
            next = scanner.Current.LastOffset + 1;
            good = (int)scanner.NextPosition;
        }

        bool isUnused = good < fileLength && IsUnused(good, fileLength, buffer);
        if (good < fileLength)
        {
            _files.SetLength(File, good);
        }

        times.MaybeAppend(max);
        lock (_sync)
        {
            _size = good;
            _foreignBytes = 0;
            _offsets = offsets;
            _times = times;
            _max = max;
            _isMaxChecked = true;
            _firstBatchTimestampMs = null;
        }

        Transactions.TruncateTo(0);
        WriteIndexesIfThereIsRoom();
        return isUnused ? (0, fileLength - good, next) : (fileLength - good, 0, next);
    }

    /// <summary>Whether nothing was ever written there: a segment that was given its whole size when it began.</summary>
    private bool IsUnused(long from, long fileLength, Span<byte> buffer)
    {
        for (long at = from; at < fileLength;)
        {
            int count = _files.Read(File, buffer[..(int)Math.Min(buffer.Length, fileLength - at)], at);
            if (count <= 0 || buffer[..count].ContainsAnyExcept((byte)0))
            {
                return false;
            }

            at += count;
        }

        return true;
    }

    /// <summary>Whether what comes behind a batch shows that its base offset is too high.</summary>
    public bool IsDisproved(in BatchInfo batch, long end, long fileLength, long limit)
    {
        Span<byte> buffer = stackalloc byte[BatchInfo.HeaderSize];
        BatchScanner scanner = new(_files, File, end, fileLength, buffer);
        return batch.LastOffset >= limit || (scanner.MoveNext() && scanner.Current.BaseOffset <= batch.LastOffset);
    }

    private (OffsetIndex Offsets, TimeIndex Times) LoadIndexes()
    {
        lock (_sync)
        {
            if (_offsets is { } loaded && _times is { } loadedTimes)
            {
                return (loaded, loadedTimes);
            }

            string offsetPath = PathOf(LogFileNames.OffsetIndex);
            string timePath = PathOf(LogFileNames.TimeIndex);
            OffsetIndex? offsets = _files.Exists(offsetPath) ? OffsetIndex.Parse(BaseOffset, _files.ReadAll(offsetPath), _size) : null;
            TimeIndex? times = _files.Exists(timePath) ? TimeIndex.Parse(BaseOffset, _files.ReadAll(timePath)) : null;
            if (offsets is not null && times is not null)
            {
                _times = times;
                _offsets = offsets;
                return (offsets, times);
            }

            if (offsets is null)
            {
                TellUnusable(offsetPath);
            }

            if (times is null)
            {
                TellUnusable(timePath);
            }

            // Both come from the same scan, what is left of the other is not needed.
            (offsets, times, _) = ScanForIndexes();
            _times = times;
            _offsets = offsets;
            WriteIndexesIfThereIsRoom();
            return (offsets, times);
        }
    }

    private void TellUnusable(string path)
    {
        if (_size > 0)
        {
            _services.Logger.IndexRebuilt(path, _files.Exists(path) ? "it is damaged" : "it is missing");
        }
    }

    /// <summary>
    /// An entry of the index does not fit the log: both indexes come from the batches again. When the log itself cannot be read to its end they stay as they are,
    /// because they lead past the damage.
    /// </summary>
    private void Rebuild(string kind)
    {
        lock (_sync)
        {
            (OffsetIndex offsets, TimeIndex times, bool isWhole) = ScanForIndexes();
            if (!isWhole)
            {
                return;
            }

            _services.Logger.IndexRebuilt(PathOf(kind), "an entry does not fit the log");
            _times = times;
            _offsets = offsets;
            _max = times.Last;
            WriteIndexesIfThereIsRoom();
        }
    }

    /// <summary>From the batches themselves. The CRCs are not looked at: this is no recovery.</summary>
    private (OffsetIndex Offsets, TimeIndex Times, bool IsWhole) ScanForIndexes()
    {
        OffsetIndex offsets = new(BaseOffset);
        TimeIndex times = new(BaseOffset);
        TimeEntry max = new(-1, BaseOffset);
        int sinceEntry = 0;
        int size = _size;
        long previous = BaseOffset - 1;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScanBufferSize);
        BatchScanner scanner = new(_files, _file ??= _files.Open(PathOf(LogFileNames.Log), create: false), 0, size, buffer);
        while (scanner.MoveNext() && scanner.Current.Follows(previous, BaseOffset))
        {
            BatchInfo batch = scanner.Current;
            max = batch.MaxTimestamp > max.TimestampMs ? new TimeEntry(batch.MaxTimestamp, batch.LastOffset) : max;
            if (sinceEntry > Options.IndexIntervalBytes)
            {
                offsets.Append(batch.LastOffset, (int)scanner.Position);
                times.MaybeAppend(max);
                sinceEntry = 0;
            }

            sinceEntry += batch.Size;
            previous = batch.LastOffset;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        times.MaybeAppend(max);
        return (offsets, times, scanner.NextPosition == size);
    }

    private int LastIndexedPosition() => Offsets.Lookup(long.MaxValue).Position;

    /// <summary>The last entry without loading the index; the segment's start when it cannot be trusted.</summary>
    private IndexEntry PeekLastEntry(int size)
    {
        if (_offsets is { } offsets)
        {
            return offsets.Lookup(long.MaxValue);
        }

        if (size <= LookupBufferSize)
        {
            // One read shows all of it.
            return new IndexEntry(BaseOffset, 0);
        }

        Span<byte> entry = stackalloc byte[OffsetIndex.EntrySize];
        uint position = TryReadLastEntry(LogFileNames.OffsetIndex, entry) ? BinaryPrimitives.ReadUInt32BigEndian(entry[4..]) : 0;
        return position > 0 && position < size
            ? new IndexEntry(BaseOffset + BinaryPrimitives.ReadUInt32BigEndian(entry), (int)position)
            : new IndexEntry(BaseOffset, 0);
    }

    private TimeEntry PeekMax()
    {
        if (_times is { } times)
        {
            return times.Last;
        }

        if (_size == 0)
        {
            return new TimeEntry(-1, BaseOffset);
        }

        Span<byte> entry = stackalloc byte[TimeIndex.EntrySize];
        if (TryReadLastEntry(LogFileNames.TimeIndex, entry) && TimeIndex.Decode(entry, BaseOffset) is var last && last.TimestampMs > 0)
        {
            return last;
        }

        return LoadIndexes().Times.Last;
    }

    private bool TryReadLastEntry(string kind, Span<byte> entry)
    {
        string path = PathOf(kind);
        if (!_files.Exists(path))
        {
            return false;
        }

        using var file = _files.Open(path, create: false);
        long length = _files.Length(file);
        return length >= entry.Length && length % entry.Length == 0 && _files.Read(file, entry, length - entry.Length) == entry.Length;
    }
}
