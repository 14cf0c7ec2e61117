using Microsoft.Win32.SafeHandles;

namespace Broker.Storage;

/// <summary>
/// One segment: NNN.log with its indexes. Written under the log's lock, read without one. Opens its file and loads its indexes when first needed; those of an
/// inactive segment that nobody reads are dropped again by <see cref="DropIfIdle"/>. A file handle is dropped, not closed: a response may still be sending from
/// it, and the last reference closes it. Owns NNN.log, .index, .timeindex, .txnindex and the .snapshot of its base offset (for deletion).
/// </summary>
internal sealed partial class LogSegment
{
    private const int LookupBufferSize = 4096;

    private readonly LogServices _services;
    private readonly LogFiles _files;
    private readonly Lock _sync = new();
    private readonly TailPositions _tail = new();
    private string _directory;
    private string _suffix = "";
    private volatile SafeFileHandle? _file;
    private volatile OffsetIndex? _offsets;
    private volatile TimeIndex? _times;
    private volatile int _size;
    private volatile bool _isUsed;
    private bool _isNameDurable;
    private bool _hasUnflushedIndexes;

    // preallocate: the file is longer than what is in it.
    private bool _hasUnusedEnd;
    private int _bytesSinceIndexEntry = -1;
    private TimeEntry? _max;
    private bool _isMaxChecked;
    private long? _firstBatchTimestampMs;

    public LogSegment(LogServices services, string directory, long baseOffset, int size, SegmentOptions options)
    {
        _services = services;
        _files = services.Files;
        _directory = directory;
        _size = size;
        _foreignBytes = size;
        BaseOffset = baseOffset;
        Options = options;
        Transactions = new TransactionIndex(_files, PathOf(LogFileNames.TransactionIndex));
    }

    public long BaseOffset { get; }

    public SegmentOptions Options { get; set; }

    /// <summary>Bytes of whole batches; what lies behind them in the file is not part of the log.</summary>
    public int Size => _size;

    /// <summary>For the log's lookups by time in format 0, where batches carry no timestamps.</summary>
    public DateTime LastModifiedUtc => _files.LastWriteUtc(PathOf(LogFileNames.Log));

    public TransactionIndex Transactions { get; }

    /// <summary>True when the index files may not be on the disk as they are in memory.</summary>
    public bool HasUnflushedIndexes => _hasUnflushedIndexes || Transactions.HasUnwritten || _offsets is { HasUnwritten: true } || _times is { HasUnwritten: true };

    public SafeFileHandle File
    {
        get
        {
            _isUsed = true;
            return _file ?? OpenFile();
        }
    }

    public OffsetIndex Offsets
    {
        get
        {
            _isUsed = true;
            return _offsets ?? LoadIndexes().Offsets;
        }
    }

    public TimeIndex Times
    {
        get
        {
            _isUsed = true;
            return _times ?? LoadIndexes().Times;
        }
    }

    /// <summary>Makes the files of a new segment. Index files follow when there is something to write.</summary>
    public static LogSegment Create(LogServices services, string directory, long baseOffset, SegmentOptions options)
    {
        LogFiles files = services.Files;
        LogSegment segment = new(services, directory, baseOffset, 0, options)
        {
            _bytesSinceIndexEntry = 0,
            _hasUnflushedIndexes = true,
            _max = new TimeEntry(-1, baseOffset),
            _isMaxChecked = true,
            _offsets = new OffsetIndex(baseOffset),
            _times = new TimeIndex(baseOffset),
        };
        segment._file = files.Open(segment.PathOf(LogFileNames.Log), create: true);
        files.SetLength(segment._file, 0);
        if (options.PreallocateBytes > 0)
        {
            files.SetLength(segment._file, options.PreallocateBytes);
            segment._hasUnusedEnd = true;
        }

        return segment;
    }

    /// <summary>Appends whole batches whose offsets are final.</summary>
    public void Append(ReadOnlySpan<byte> batches)
    {
        int start = _size;
        if (!_isMaxChecked)
        {
            CheckMax();
        }

        try
        {
            _files.Write(File, batches, start);
        }
        catch (DiskFullException)
        {
            // A part of it may be there. A clean stop would leave it behind the log's end.
            _files.SetLength(File, start);
            throw;
        }

        OffsetIndex offsets = Offsets;
        TimeIndex times = Times;
        TimeEntry max = Max;
        if (_bytesSinceIndexEntry < 0)
        {
            _bytesSinceIndexEntry = start - LastIndexedPosition();
        }

        for (int at = 0; at < batches.Length;)
        {
            if (!BatchInfo.TryParse(batches[at..], out BatchInfo batch))
            {
                throw new InvalidOperationException($"Appended bytes at {at} of {batches.Length} are no batch.");
            }

            max = AppendToIndexes(batch, start + at, offsets, times, max);
            at += batch.Size;
        }

        lock (_sync)
        {
            _max = max;
            if (start == 0)
            {
                _firstBatchTimestampMs = max.TimestampMs;
            }
        }

        _size = start + batches.Length;
    }

    /// <summary>The offset after the last record; the base offset of an empty segment. Null when the file does not end with a whole batch, or its last batches are out of order.</summary>
    public long? FindNextOffset()
    {
        int size = _size;
        if (size == 0)
        {
            return BaseOffset;
        }

        IndexEntry last = PeekLastEntry(size);
        return ScanToEnd(last, size) ?? (last.Position > 0 ? ScanToEnd(new IndexEntry(BaseOffset, 0), size) : null);
    }

    /// <summary>The offset after the last record before a position at which a batch starts or the file ends.</summary>
    public long NextOffsetAt(int position)
    {
        Span<byte> buffer = stackalloc byte[LookupBufferSize];
        BatchScanner scanner = new(_files, File, 0, position, buffer);
        long next = BaseOffset;
        while (scanner.MoveNext())
        {
            next = scanner.Current.LastOffset + 1;
        }

        return next;
    }

    private long? ScanToEnd(IndexEntry from, int size)
    {
        Span<byte> buffer = stackalloc byte[LookupBufferSize];
        BatchScanner scanner = new(_files, File, from.Position, size, buffer);
        long next = BaseOffset;
        while (scanner.MoveNext())
        {
            bool isAtEntry = from.Position > 0 && scanner.Position == from.Position;
            if (!scanner.Current.Follows(next - 1, BaseOffset) || (isAtEntry && scanner.Current.LastOffset > from.Offset))
            {
                return null;
            }

            next = scanner.Current.LastOffset + 1;
        }

        return scanner.NextPosition == size ? next : null;
    }

    private TimeEntry AppendToIndexes(in BatchInfo batch, int position, OffsetIndex offsets, TimeIndex times, TimeEntry max)
    {
        if (batch.MaxTimestamp > max.TimestampMs)
        {
            max = new TimeEntry(batch.MaxTimestamp, batch.LastOffset);
        }

        if (_bytesSinceIndexEntry > Options.IndexIntervalBytes)
        {
            offsets.Append(batch.LastOffset, position);
            times.MaybeAppend(max);
            _bytesSinceIndexEntry = 0;
        }

        _bytesSinceIndexEntry += batch.Size;
        _tail.Add(new BatchPosition(batch.BaseOffset, batch.LastOffset, position, batch.Size));
        return max;
    }

    private SafeFileHandle OpenFile()
    {
        lock (_sync)
        {
            return _file ??= _files.Open(PathOf(LogFileNames.Log), create: false);
        }
    }

    private string PathOf(string kind) => Path.Combine(_directory, LogFileNames.Of(BaseOffset, kind)) + _suffix;
}
