namespace Broker.Storage;

internal sealed partial class LogSegment
{
    private static readonly string[] Kinds =
        [LogFileNames.Log, LogFileNames.OffsetIndex, LogFileNames.TimeIndex, LogFileNames.TransactionIndex, LogFileNames.Snapshot];

    /// <summary>
    /// Forces the segment to the disk. The indexes only of an inactive one: the active one is scanned again after a crash, because the recovery point lies in it.
    /// </summary>
    public void Flush(bool isActive)
    {
        _files.Flush(File);
        if (!isActive)
        {
            WriteIndexes(durable: true);
        }

        if (!_isNameDurable)
        {
            _files.FlushDirectory(_directory);
            _isNameDurable = true;
        }
    }

    /// <summary>Lets go of the file and the indexes of an inactive segment that was not used since the last call.</summary>
    public void DropIfIdle()
    {
        lock (_sync)
        {
            bool isUsed = _isUsed;
            _isUsed = false;
            if (!isUsed && _offsets is not { HasUnwritten: true } && _times is not { HasUnwritten: true })
            {
                _file = null;
                _offsets = null;
                _times = null;
            }
        }
    }

    /// <summary>The same for the file of the active segment, whose indexes are in use when it grows.</summary>
    public void DropFileIfIdle()
    {
        lock (_sync)
        {
            _file = _isUsed ? _file : null;
            _isUsed = false;
        }
    }

    /// <summary>Removes the batch that holds the offset and all later ones.</summary>
    public void TruncateTo(long offset)
    {
        int position = EndPositionOf(offset);
        CheckMax();
        _tail.Clear();
        Transactions.TruncateTo(offset);
        lock (_sync)
        {
            // A flush of the time when this segment was inactive may still be writing its indexes.
            Offsets.TruncateTo(offset);
            Times.TruncateTo(offset);
            _size = position;
            _foreignBytes = Math.Min(_foreignBytes, position);
            Volatile.Write(ref _walked, 0);
            _files.SetLength(File, position);
            _max = position == 0 ? new TimeEntry(-1, BaseOffset) : MaxOfScan(position);
            _firstBatchTimestampMs = null;
            _bytesSinceIndexEntry = position - LastIndexedPosition();
            _hasUnflushedIndexes = true;
        }

        WriteIndexesIfThereIsRoom();
    }

    /// <summary>The partition's directory was renamed.</summary>
    public void MovedTo(string directory)
    {
        lock (_sync)
        {
            _directory = directory;
            Transactions.MovedTo(PathOf(LogFileNames.TransactionIndex));
        }
    }

    /// <summary>
    /// The segment is no longer part of the log; readers that still hold it go on. A start removes files with this suffix. The producer snapshot stays when
    /// a cleaned segment with the same base offset takes over.
    /// </summary>
    public void MarkDeleted(bool keepsSnapshot = false)
    {
        lock (_sync)
        {
            // A reader that found this segment before it left the list may open it only now.
            _file ??= _files.Open(PathOf(LogFileNames.Log), create: false);
            foreach (string kind in Kinds)
            {
                string path = PathOf(kind);
                if (!(keepsSnapshot && kind == LogFileNames.Snapshot) && _files.Exists(path))
                {
                    _files.Move(path, path + LogFileNames.Deleted);
                }
            }

            _suffix = LogFileNames.Deleted;
            Transactions.MovedTo(PathOf(LogFileNames.TransactionIndex));
        }
    }

    /// <summary>The same at once and without new names: there is no room for them. Readers go on with the open file.</summary>
    public void Unlink(bool keepsSnapshot = false)
    {
        lock (_sync)
        {
            _file ??= _files.Open(PathOf(LogFileNames.Log), create: false);
            foreach (string kind in Kinds)
            {
                string path = PathOf(kind);
                if (!(keepsSnapshot && kind == LogFileNames.Snapshot))
                {
                    DeleteIfThere(path);
                }
            }

            // What MarkDeleted had renamed before.
            _suffix = LogFileNames.Deleted;
            Transactions.MovedTo(PathOf(LogFileNames.TransactionIndex));
        }
    }

    public void DeleteFiles()
    {
        lock (_sync)
        {
            foreach (string kind in Kinds)
            {
                string path = PathOf(kind);
                DeleteIfThere(path);
                if (_suffix.Length == 0)
                {
                    // Those that were renamed before there was no room for a name.
                    DeleteIfThere(path + LogFileNames.Deleted);
                }
            }

            _file?.Dispose();
        }
    }

    /// <summary>Whether there were indexes that tell of batches, though the file has none. They are gone then.</summary>
    public bool DropIndexesOfEmpty()
    {
        bool isFound = false;
        foreach (string kind in (ReadOnlySpan<string>)[LogFileNames.OffsetIndex, LogFileNames.TimeIndex, LogFileNames.TransactionIndex])
        {
            string path = PathOf(kind);
            if (_files.Exists(path) && _files.ReadAll(path).AsSpan().ContainsAnyExcept((byte)0))
            {
                _files.Delete(path);
                isFound = true;
            }
        }

        return isFound;
    }

    private void DeleteIfThere(string path)
    {
        if (_files.Exists(path))
        {
            _files.Delete(path);
        }
    }

    public void Close()
    {
        lock (_sync)
        {
            _file?.Dispose();
            _file = null;
        }
    }

    /// <summary>Largest timestamp below a position: from the last time entry on, because batches behind it may carry larger ones.</summary>
    private TimeEntry MaxOfScan(int end)
    {
        TimeEntry max = Times.Last;
        int from = max.TimestampMs < 0 ? 0 : Offsets.Lookup(max.Offset).Position;
        Span<byte> buffer = stackalloc byte[LookupBufferSize];
        BatchScanner scanner = new(_files, File, from, end, buffer);
        while (scanner.MoveNext())
        {
            if (scanner.Current.MaxTimestamp > max.TimestampMs)
            {
                max = new TimeEntry(scanner.Current.MaxTimestamp, scanner.Current.LastOffset);
            }
        }

        return max;
    }
}
