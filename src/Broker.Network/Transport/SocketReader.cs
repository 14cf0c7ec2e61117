using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Broker.Network;

/// <summary>
/// The receiving end of a socket as a pipe whose result is always one contiguous piece of pooled, page-aligned memory.
/// It holds no buffer while it waits with nothing received. A message whose size is known (<see cref="PipeReader.ReadAtLeastAsync"/>) is received straight into a buffer of its own that
/// grows with the bytes that really arrived, never with what was claimed. One user at a time.
/// </summary>
internal sealed class SocketReader : PipeReader
{
    // Small messages of a busy connection are received together, up to this many bytes per call.
    private const int MaxBatchBytes = 64 * 1024;

    private readonly Socket _socket;
    private readonly CancellationToken _stopToken;
    private PooledBuffer? _buffer;
    private int _start;
    private int _end;
    private int _examined;
    private int _batchBytes = BufferPool.PageBytes;
    private bool _ended;

    // Whether the next bytes are probably there already: then they are received at once, without asking for readiness first.
    private bool _moreIsLikely;
    private long _bytesReceived;

    public SocketReader(Socket socket, CancellationToken stopToken)
    {
        _socket = socket;
        _stopToken = stopToken;
    }

    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    public PooledBuffer Share()
    {
        PooledBuffer buffer = _buffer ?? throw new InvalidOperationException("There is no received data to share.");
        buffer.AddReference();
        return buffer;
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => ReadAtLeastAsyncCore(_examined - _start + 1, cancellationToken);

    public override bool TryRead(out ReadResult result)
    {
        result = CurrentResult();
        return _ended || _end > _examined;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_buffer is null)
        {
            return;
        }

        // The result is one piece of a MemoryManager's memory, so a position is an index into the buffer.
        _start = consumed.GetInteger();
        _examined = examined.GetInteger();
        if (_start == _end && _buffer.IsShared)
        {
            // Requests still in work own the buffer now; it must not wait for this connection's next bytes.
            ReleaseBuffer();
        }
    }

    public override void CancelPendingRead() => throw new NotSupportedException("A socket's pending read is ended by StopReceiving or Abort of its transport.");

    public override void Complete(Exception? exception = null)
    {
        _ended = true;
        ReleaseBuffer();
    }

    protected override ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken) =>
        _ended || _end - _start >= minimumSize ? new ValueTask<ReadResult>(CurrentResult()) : ReceiveAtLeastAsync(minimumSize);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> ReceiveAtLeastAsync(int needed)
    {
        while (!_ended && _end - _start < needed)
        {
            if (_start == _end && !_moreIsLikely)
            {
                ReleaseBuffer();
                ValueTask<int> readable = _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, _stopToken);
                _moreIsLikely = readable.IsCompleted && LinuxSocket.IsSupported;
                if (!readable.IsCompleted)
                {
                    _batchBytes = BufferPool.PageBytes;
                }

                await readable.ConfigureAwait(false);
            }

            Memory<byte> room = MakeRoom(needed);
            if (!TryReceive(room.Span, out int received))
            {
                _moreIsLikely = false;
                if (_start == _end && LinuxSocket.IsSupported)
                {
                    continue;
                }

                received = await _socket.ReceiveAsync(room, SocketFlags.None, _stopToken).ConfigureAwait(false);
            }

            Accept(received, room.Length, needed);
        }

        return CurrentResult();
    }

    private bool TryReceive(Span<byte> room, out int received)
    {
        received = LinuxSocket.IsSupported ? LinuxSocket.Receive(_socket.SafeHandle, room) : LinuxSocket.TryAgain;
        if (received >= 0)
        {
            return true;
        }

        return received is LinuxSocket.TryAgain or LinuxSocket.Interrupted ? false : throw LinuxSocket.Failure("recv", received);
    }

    private void Accept(int received, int asked, int needed)
    {
        if (received == 0)
        {
            _ended = true;
            return;
        }

        _end += received;
        Volatile.Write(ref _bytesReceived, _bytesReceived + received);
        if (received == asked)
        {
            _moreIsLikely = LinuxSocket.IsSupported;
            if (needed <= _batchBytes)
            {
                _batchBytes = Math.Min(_batchBytes * 4, MaxBatchBytes);
            }
        }
    }

    private Memory<byte> MakeRoom(int needed)
    {
        int have = _end - _start;
        if (have == 0)
        {
            Empty();
        }
        else if (_buffer!.Capacity - _start < needed && (_start > 0 || _end == _buffer.Capacity))
        {
            MoveToOwnBuffer(needed, have);
        }

        // A message larger than a batch is received up to its own end, so that the next one starts aligned in a buffer of its own.
        int room = _buffer!.Capacity - _end;
        return _buffer.Memory.Slice(_end, needed > _batchBytes ? Math.Min(room, _start + needed - _end) : room);
    }

    private void Empty()
    {
        if (_buffer is not null && (_buffer.IsShared || _buffer.Capacity > _batchBytes + BufferPool.PageBytes))
        {
            ReleaseBuffer();
        }

        _buffer ??= BufferPool.Rent(_batchBytes);
        _start = 0;
        _end = 0;
        _examined = 0;
    }

    private void MoveToOwnBuffer(int needed, int have)
    {
        PooledBuffer old = _buffer!;
        Span<byte> received = old.GetSpan().Slice(_start, have);
        if (_start > 0 && needed <= old.Capacity && !old.IsShared)
        {
            received.CopyTo(old.GetSpan());
        }
        else
        {
            PooledBuffer larger = BufferPool.Rent(NextCapacity(needed, have));
            received.CopyTo(larger.GetSpan());
            _buffer = larger;
            old.Release();
        }

        _start = 0;
        _end = have;
        _examined = have;
    }

    /// <summary>
    /// A length prefix is only a claim: the buffer follows the bytes that have arrived here or wait in the socket, and grows by a factor so that a steady sender costs few copies.
    /// </summary>
    private int NextCapacity(int needed, int have)
    {
        if (needed <= _batchBytes)
        {
            return _batchBytes;
        }

        long arrived = have + (long)_socket.Available;
        long grown = have * (have < BufferPool.LargestCachedBytes ? 4L : 2L);
        return (int)Math.Min(needed, Math.Max(BufferPool.PageBytes, Math.Max(arrived, grown)));
    }

    private ReadResult CurrentResult()
    {
        ReadOnlySequence<byte> bytes = _buffer is null || _start == _end ? default : new ReadOnlySequence<byte>(_buffer.Memory[_start.._end]);
        return new ReadResult(bytes, isCanceled: false, isCompleted: _ended);
    }

    private void ReleaseBuffer()
    {
        _buffer?.Release();
        _buffer = null;
        _start = 0;
        _end = 0;
        _examined = 0;
    }
}
