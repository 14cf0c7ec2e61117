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

    /// <summary>Checks every batch, cuts the file after the last good one, rebuilds the indexes. Returns the bytes cut and the offset after the last record.</summary>
    public (long CutBytes, long NextOffset) Recover(LeaderEpochs epochs)
    {
        long fileLength = _files.Length(File);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScanBufferSize);
        try
        {
            return Recover(epochs, fileLength, buffer);
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

    private (long CutBytes, long NextOffset) Recover(LeaderEpochs epochs, long fileLength, Span<byte> buffer)
    {
        OffsetIndex offsets = new(BaseOffset);
        TimeIndex times = new(BaseOffset);
        long next = BaseOffset;
        _tail.Clear();
        _bytesSinceIndexEntry = 0;
        TimeEntry max = new(-1, BaseOffset);
        BatchScanner scanner = new(_files, File, 0, Math.Min(fileLength, int.MaxValue), buffer);
        int good = 0;
        while (scanner.MoveNext() && IsNext(scanner.Current, next) && scanner.CurrentIsIntact())
        {
            max = AppendToIndexes(scanner.Current, good, offsets, times, max);
            epochs.AssignIfNewer(scanner.Current.LeaderEpoch, scanner.Current.BaseOffset);
            next = scanner.Current.LastOffset + 1;
            good = (int)scanner.NextPosition;
        }

        if (good < fileLength)
        {
            _files.SetLength(File, good);
        }

        times.MaybeAppend(max);
        lock (_sync)
        {
            _size = good;
            _offsets = offsets;
            _times = times;
            _max = max;
            _firstBatchTimestampMs = null;
        }

        Transactions.TruncateTo(0);
        WriteIndexesIfThereIsRoom();
        return (fileLength - good, next);
    }

    private bool IsNext(in BatchInfo batch, long next) =>
        batch.LastOffset >= next && (batch.Magic < 2 || batch.BaseOffset >= next) && batch.LastOffset - BaseOffset <= int.MaxValue;

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
            bool isRebuilt = offsets is null || times is null;
            if (offsets is null || times is null)
            {
                (offsets, times) = RebuildIndexes();
            }

            _times = times;
            _offsets = offsets;
            if (isRebuilt)
            {
                WriteIndexesIfThereIsRoom();
            }

            return (offsets, times);
        }
    }

    /// <summary>From the batches themselves, when the files are missing or damaged. The CRCs are not looked at: this is no recovery.</summary>
    private (OffsetIndex Offsets, TimeIndex Times) RebuildIndexes()
    {
        OffsetIndex offsets = new(BaseOffset);
        TimeIndex times = new(BaseOffset);
        TimeEntry max = new(-1, BaseOffset);
        int sinceEntry = 0;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScanBufferSize);
        BatchScanner scanner = new(_files, _file ??= _files.Open(PathOf(LogFileNames.Log), create: false), 0, _size, buffer);
        while (scanner.MoveNext())
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
        }

        ArrayPool<byte>.Shared.Return(buffer);
        times.MaybeAppend(max);
        _max = max;
        return (offsets, times);
    }

    private int LastIndexedPosition() => Offsets is { Count: > 0 } offsets ? offsets.Lookup(offsets.LastOffset) : 0;

    /// <summary>The last entry's position without loading the index; 0 when it cannot be trusted.</summary>
    private int PeekLastIndexedPosition(int size)
    {
        if (_offsets is not null)
        {
            return LastIndexedPosition();
        }

        if (size <= LookupBufferSize)
        {
            // One read shows all of it.
            return 0;
        }

        Span<byte> entry = stackalloc byte[OffsetIndex.EntrySize];
        if (!TryReadLastEntry(LogFileNames.OffsetIndex, entry))
        {
            return 0;
        }

        uint position = BinaryPrimitives.ReadUInt32BigEndian(entry[4..]);
        return position < size ? (int)position : 0;
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

        LoadIndexes();
        return _max ?? _times!.Last;
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
