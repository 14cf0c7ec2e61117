using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Broker.Storage;

/// <summary>
/// Writes the segment that takes the place of a group of segments, under names that end with .cleaned: nobody believes those, a start removes them.
/// <see cref="Finish"/> makes it durable; disposing it before the swap removes it. Used by one thread. Owns the .cleaned files of its base offset.
/// </summary>
internal sealed class CleanedSegmentWriter : IDisposable
{
    private readonly LogFiles _files;
    private readonly string _directory;
    private readonly int _indexIntervalBytes;
    private readonly int _maxIndexBytes;
    private readonly Action<int> _onWritten;
    private readonly OffsetIndex _offsets;
    private readonly TimeIndex _times;
    private readonly SafeFileHandle _file;
    private readonly byte[] _buffer;
    private int _buffered;
    private int _sinceIndexEntry;
    private TimeEntry _max;
    private bool _isSwapped;

    public CleanedSegmentWriter(LogFiles files, string directory, long baseOffset, int indexIntervalBytes, int maxIndexBytes, int bufferBytes, Action<int> onWritten)
    {
        _files = files;
        _directory = directory;
        _indexIntervalBytes = indexIntervalBytes;
        _maxIndexBytes = maxIndexBytes;
        _onWritten = onWritten;
        BaseOffset = baseOffset;
        _offsets = new OffsetIndex(baseOffset);
        _times = new TimeIndex(baseOffset);
        _max = new TimeEntry(-1, baseOffset);
        DeleteFiles(LogFileNames.Cleaned);
        Transactions = new TransactionIndex(files, PathOf(LogFileNames.TransactionIndex));
        _file = files.Open(PathOf(LogFileNames.Log), create: true);
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(bufferBytes, BatchInfo.HeaderSize));
    }

    public long BaseOffset { get; }

    /// <summary>Bytes appended so far.</summary>
    public int Size { get; private set; }

    public TransactionIndex Transactions { get; }

    /// <summary>Appends a batch. One without records counts for no timestamp.</summary>
    public void Append(ReadOnlySpan<byte> batch, bool hasRecords)
    {
        if (!BatchInfo.TryParse(batch, out BatchInfo info) || info.Size != batch.Length)
        {
            throw new InvalidOperationException($"{batch.Length} bytes to be appended to cleaned segment {BaseOffset} are no batch.");
        }

        if (batch.Length > int.MaxValue - Size)
        {
            throw new UncleanableLogException($"cleaning makes segment {BaseOffset} larger than {int.MaxValue} bytes; lower segment.bytes of the topic");
        }

        Index(info, hasRecords);
        if (batch.Length > _buffer.Length - _buffered)
        {
            WriteBuffer();
        }

        if (batch.Length > _buffer.Length)
        {
            Write(batch);
        }
        else
        {
            batch.CopyTo(_buffer.AsSpan(_buffered));
            _buffered += batch.Length;
        }

        Size += batch.Length;
    }

    /// <summary>Everything on the disk. The file gets the age of the last segment that it replaces: old formats and segments without timestamps are kept by it.</summary>
    public void Finish(DateTime lastWriteUtc)
    {
        WriteBuffer();
        _times.MaybeAppend(_max);
        _offsets.WriteTo(_files, PathOf(LogFileNames.OffsetIndex), durable: true);
        _times.WriteTo(_files, PathOf(LogFileNames.TimeIndex), durable: true);
        Transactions.Write(durable: true);
        _files.Flush(_file);
        _file.Dispose();
        _files.SetLastWriteUtc(PathOf(LogFileNames.Log), lastWriteUtc);
    }

    /// <summary>
    /// From here on a start completes the swap. The log goes last: with it everything is there. Called under the log's lock, because a change of the log between
    /// this and the end of the swap would be undone by such a start.
    /// </summary>
    public void RenameToSwap()
    {
        // From the first rename on nothing is removed: a .cleaned file that is left is what tells the next start that the others are not complete.
        _isSwapped = true;
        try
        {
            RenameAll(LogFileNames.Cleaned, LogFileNames.Swap);
        }
        catch (DiskFullException)
        {
            // The log is the last to be renamed, so that nobody believes the others yet.
            DeleteFiles(LogFileNames.Swap);
            _isSwapped = false;
            throw;
        }

        _files.FlushDirectory(_directory);
    }

    /// <summary>From here on there is no way back: no room for a shorter name in the place of a longer one is a failure like any other.</summary>
    public void RenameToFinal()
    {
        try
        {
            RenameAll(LogFileNames.Swap, "");
        }
        catch (DiskFullException e)
        {
            throw new IOException($"Cleaned segment {BaseOffset} of {_directory} has its names only in part. {e.Message}", e);
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
        if (!_isSwapped)
        {
            DeleteFiles(LogFileNames.Cleaned);
        }
    }

    private void Index(in BatchInfo batch, bool hasRecords)
    {
        if (hasRecords && batch.MaxTimestamp > _max.TimestampMs)
        {
            _max = new TimeEntry(batch.MaxTimestamp, batch.LastOffset);
        }

        if (_sinceIndexEntry > _indexIntervalBytes)
        {
            if (!_offsets.IsFull(_maxIndexBytes))
            {
                _offsets.Append(batch.LastOffset, Size);
            }

            if (!_times.IsFull(_maxIndexBytes))
            {
                _times.MaybeAppend(_max);
            }

            _sinceIndexEntry = 0;
        }

        _sinceIndexEntry += batch.Size;
    }

    private void WriteBuffer()
    {
        Write(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty)
        {
            _files.Write(_file, bytes, Size - _buffered);
            _onWritten(bytes.Length);
        }
    }

    private void RenameAll(string from, string to)
    {
        foreach (string kind in (ReadOnlySpan<string>)[LogFileNames.OffsetIndex, LogFileNames.TimeIndex, LogFileNames.TransactionIndex, LogFileNames.Log])
        {
            string path = Path.Combine(_directory, LogFileNames.Of(BaseOffset, kind));
            if (_files.Exists(path + from))
            {
                _files.Move(path + from, path + to);
            }
        }
    }

    private void DeleteFiles(string suffix)
    {
        foreach (string kind in (ReadOnlySpan<string>)[LogFileNames.Log, LogFileNames.OffsetIndex, LogFileNames.TimeIndex, LogFileNames.TransactionIndex])
        {
            string path = Path.Combine(_directory, LogFileNames.Of(BaseOffset, kind)) + suffix;
            if (_files.Exists(path))
            {
                _files.Delete(path);
            }
        }
    }

    private string PathOf(string kind) => Path.Combine(_directory, LogFileNames.Of(BaseOffset, kind)) + LogFileNames.Cleaned;
}
