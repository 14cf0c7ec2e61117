using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Broker.Protocol;

namespace Broker.Network;

/// <summary>
/// The sending end of a socket as a pipe. What was advanced is collected in one pooled buffer and leaves in one send; large memory (<see cref="WriteAsync"/>) and file ranges go out without a copy.
/// A send that the socket takes whole completes synchronously and allocates nothing. Holds no buffer when everything is flushed. One user at a time.
/// </summary>
internal sealed class SocketWriter : PipeWriter
{
    private const int MinBufferBytes = 4096;

    // What is copied when sendfile finds the socket full: waits for the peer through the runtime's own polling, and costs 1.1 times a pure sendfile loop.
    private const int WaitChunkBytes = 16 * 1024;
    private const int CopyChunkBytes = 256 * 1024;
    private const int SendFileChunkBytes = 1024 * 1024;

    // After this many bytes to a peer that reads as fast as we send, the rest goes on elsewhere (PoolHop).
    private const int BurstBytes = 4 * 1024 * 1024;

    private readonly Socket _socket;
    private PooledBuffer? _buffer;
    private int _end;
    private long _bytesSent;
    private PoolHop? _hop;

    public SocketWriter(Socket socket)
    {
        _socket = socket;
    }

    public long BytesSent => Volatile.Read(ref _bytesSent);

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _end;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(Math.Max(sizeHint, 1));
        return _buffer!.Memory[_end..];
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(Math.Max(sizeHint, 1));
        return _buffer!.GetSpan()[_end..];
    }

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)((_buffer?.Capacity ?? 0) - _end));
        _end += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => FlushBuffered(moreFollows: false);

    /// <summary>Sends what is buffered and then <paramref name="source"/>, straight from where it is.</summary>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        ValueTask<FlushResult> before = FlushBuffered(moreFollows: true);
        if (!before.IsCompletedSuccessfully)
        {
            return SendAfterAsync(before, source);
        }

        int sent = TrySend(source.Span, moreFollows: false);
        return sent == source.Length ? default : SendRestAsync(source[sent..]);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask SendFileAsync(FileSlice slice)
    {
        await FlushBuffered(moreFollows: slice.Length > 0).ConfigureAwait(false);
        long position = slice.Position;
        int left = slice.Length;
        int burst = 0;
        while (left > 0)
        {
            if (!(slice with { Position = position, Length = Math.Min(left, SendFileChunkBytes) }).IsCached)
            {
                // The disk has to be asked: that is not for the thread that polls the sockets of others.
                await (_hop ??= new PoolHop());
            }

            int sent = TrySendFile(slice, position, left, out int copyBytes);
            if (sent == 0)
            {
                sent = await CopyAsync(slice, position, Math.Min(left, copyBytes), left).ConfigureAwait(false);
                burst = 0;
            }

            position += sent;
            left -= sent;
            burst += sent;
            if (burst >= BurstBytes && left > 0)
            {
                burst = 0;
                await (_hop ??= new PoolHop());
            }
        }
    }

    public override void CancelPendingFlush() => throw new NotSupportedException("A socket's pending flush is ended by Abort of its transport.");

    public override void Complete(Exception? exception = null) => ReleaseBuffer();

    /// <summary>Returns 0 when the bytes have to be copied: the socket is full (wait with a small chunk), or there is no sendfile for this file (go on with large ones).</summary>
    private int TrySendFile(FileSlice slice, long position, int left, out int copyBytes)
    {
        copyBytes = CopyChunkBytes;
        if (!LinuxSocket.IsSupported)
        {
            return 0;
        }

        int sent = LinuxSocket.SendFile(_socket.SafeHandle, slice.File, position, Math.Min(left, SendFileChunkBytes));
        switch (sent)
        {
            case > 0:
                Volatile.Write(ref _bytesSent, _bytesSent + sent);
                return sent;
            case 0:
                throw new FileRangeException(position, left);
            case LinuxSocket.TryAgain or LinuxSocket.Interrupted:
                copyBytes = WaitChunkBytes;
                return 0;
            case LinuxSocket.InvalidArgument or LinuxSocket.NotImplemented or LinuxSocket.NotSupported:
                return 0;
            default:
                throw LinuxSocket.Failure("sendfile", sent);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> CopyAsync(FileSlice slice, long position, int bytes, int left)
    {
        PooledBuffer chunk = BufferPool.Rent(bytes);
        try
        {
            int read = RandomAccess.Read(slice.File, chunk.GetSpan()[..bytes], position);
            if (read == 0)
            {
                throw new FileRangeException(position, left);
            }

            await SendRestAsync(chunk.Memory[..read]).ConfigureAwait(false);
            return read;
        }
        finally
        {
            chunk.Release();
        }
    }

    private ValueTask<FlushResult> FlushBuffered(bool moreFollows)
    {
        if (_end == 0)
        {
            return default;
        }

        int sent = TrySend(_buffer!.GetSpan()[.._end], moreFollows);
        if (sent < _end)
        {
            return FlushRestAsync(sent);
        }

        ReleaseBuffer();
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> FlushRestAsync(int sent)
    {
        await SendRestAsync(_buffer!.Memory[sent.._end]).ConfigureAwait(false);
        ReleaseBuffer();
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> SendAfterAsync(ValueTask<FlushResult> before, ReadOnlyMemory<byte> source)
    {
        await before.ConfigureAwait(false);
        return await SendRestAsync(source).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> SendRestAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int sent = await _socket.SendAsync(bytes, SocketFlags.None).ConfigureAwait(false);
            Volatile.Write(ref _bytesSent, _bytesSent + sent);
            bytes = bytes[sent..];
        }

        return default;
    }

    private int TrySend(ReadOnlySpan<byte> bytes, bool moreFollows)
    {
        if (!LinuxSocket.IsSupported || bytes.IsEmpty)
        {
            return 0;
        }

        int sent = LinuxSocket.Send(_socket.SafeHandle, bytes, moreFollows);
        if (sent < 0)
        {
            return sent is LinuxSocket.TryAgain or LinuxSocket.Interrupted ? 0 : throw LinuxSocket.Failure("send", sent);
        }

        Volatile.Write(ref _bytesSent, _bytesSent + sent);
        return sent;
    }

    private void EnsureRoom(int bytes)
    {
        if (_buffer is null)
        {
            _buffer = BufferPool.Rent(Math.Max(bytes, MinBufferBytes));
        }
        else if (_buffer.Capacity - _end < bytes)
        {
            PooledBuffer larger = BufferPool.Rent(_end + Math.Max(bytes, _end));
            _buffer.GetSpan()[.._end].CopyTo(larger.GetSpan());
            _buffer.Release();
            _buffer = larger;
        }
    }

    private void ReleaseBuffer()
    {
        _buffer?.Release();
        _buffer = null;
        _end = 0;
    }
}
