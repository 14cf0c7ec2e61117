using System.Buffers;
using Broker.Protocol.Records;

namespace Broker.Storage;

/// <summary>
/// Reads the batches of a segment one after the other, whole and with their checksums checked, through a buffer that grows for a batch larger than it.
/// Used by one thread; dispose it to give the buffer back.
/// </summary>
internal sealed class SegmentBatchReader : IDisposable
{
    private readonly LogFiles _files;
    private readonly LogSegment _segment;
    private readonly Action<int> _onRead;
    private readonly int _end;
    private byte[] _buffer;
    private int _next;
    private int _bufferedFrom;
    private int _buffered;
    private int _currentAt;
    private long _previous;

    /// <param name="files">The seam to the disk.</param>
    /// <param name="segment">What to read; only what it holds now.</param>
    /// <param name="from">Where a batch starts.</param>
    /// <param name="bufferBytes">Least size of the buffer.</param>
    /// <param name="onRead">Told how many bytes each read brought.</param>
    public SegmentBatchReader(LogFiles files, LogSegment segment, int from, int bufferBytes, Action<int> onRead)
    {
        _files = files;
        _segment = segment;
        _onRead = onRead;
        _next = from;
        _bufferedFrom = from;
        _end = segment.Size;
        _previous = segment.BaseOffset - 1;
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(bufferBytes, BatchInfo.HeaderSize));
    }

    public BatchInfo Current { get; private set; }

    /// <summary>Valid until the next move.</summary>
    public ReadOnlySpan<byte> CurrentBytes => _buffer.AsSpan(_currentAt - _bufferedFrom, Current.Size);

    /// <exception cref="UncleanableLogException">What comes next is no sound batch.</exception>
    public bool MoveNext()
    {
        if (_next >= _end)
        {
            return false;
        }

        Fill(Math.Min(BatchInfo.HeaderSize, _end - _next));
        if (!BatchInfo.TryParse(_buffer.AsSpan(_next - _bufferedFrom, _buffered - (_next - _bufferedFrom)), out BatchInfo batch) || batch.Size > _end - _next
            || !batch.Follows(_previous, _segment.BaseOffset))
        {
            throw new UncleanableLogException($"no batch at byte {_next} of segment {_segment.BaseOffset}");
        }

        Fill(batch.Size);
        Current = batch;
        _currentAt = _next;
        _next += batch.Size;
        _previous = batch.LastOffset;
        if (!RecordBatchScanner.HasValidCrc(CurrentBytes))
        {
            throw new UncleanableLogException($"the batch at offset {batch.BaseOffset} (byte {_currentAt} of segment {_segment.BaseOffset}) does not match its checksum");
        }

        return true;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    /// <summary>Makes that many bytes from the next batch on available.</summary>
    private void Fill(int length)
    {
        int have = _buffered - (_next - _bufferedFrom);
        if (have >= length)
        {
            return;
        }

        byte[] target = _buffer;
        if (length > _buffer.Length)
        {
            target = ArrayPool<byte>.Shared.Rent(length);
        }

        _buffer.AsSpan(_next - _bufferedFrom, have).CopyTo(target);
        if (target != _buffer)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = target;
        }

        _bufferedFrom = _next;
        int wanted = Math.Min(_buffer.Length, _end - _next) - have;
        int count = _files.Read(_segment.File, _buffer.AsSpan(have, wanted), _next + have);
        _buffered = have + count;
        if (_buffered < length)
        {
            throw new IOException($"Segment file {_segment.BaseOffset} ends at {_next + _buffered}, expected {length} bytes at {_next}.");
        }

        _onRead(count);
    }
}
