using System.Buffers;
using System.Buffers.Binary;

namespace Broker.ZooKeeper;

/// <summary>Cuts a stream into frames. One reader at a time; a frame is valid until the next is asked for.</summary>
internal sealed class FrameReader(Stream stream, int maxFrameBytes) : IDisposable
{
    private const int UsualBytes = 16 * 1024;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(UsualBytes);
    private int _start;
    private int _end;

    /// <exception cref="ZooKeeperProtocolException">The length is negative or above the limit.</exception>
    /// <exception cref="EndOfStreamException">The peer closed the connection.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken stop)
    {
        await FillAsync(sizeof(int), stop).ConfigureAwait(false);
        int length = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(_start));
        if (length < 0 || length > maxFrameBytes)
        {
            throw new ZooKeeperProtocolException(
                $"The server announced a frame of {length} bytes; the limit is {maxFrameBytes}. "
                + "Either this is no ZooKeeper server, or a node has more data or children than jute.maxbuffer allows");
        }

        _start += sizeof(int);
        await FillAsync(length, stop).ConfigureAwait(false);
        var frame = new ReadOnlyMemory<byte>(_buffer, _start, length);
        _start += length;
        return frame;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private async ValueTask FillAsync(int needed, CancellationToken stop)
    {
        if (_end - _start >= needed)
        {
            return;
        }

        MakeRoom(needed);
        while (_end - _start < needed)
        {
            int read = await stream.ReadAsync(_buffer.AsMemory(_end), stop).ConfigureAwait(false);
            if (read == 0)
            {
                throw new EndOfStreamException(_end == _start ? "The server closed the connection" : "The server closed the connection in the middle of a frame");
            }

            _end += read;
        }
    }

    /// <summary>Moves what is left to the front, into a larger array for a large frame and back to a usual one after it.</summary>
    private void MakeRoom(int needed)
    {
        int left = _end - _start;
        byte[] target = _buffer;
        if (needed > _buffer.Length || (_buffer.Length > 4 * UsualBytes && needed <= UsualBytes && left <= UsualBytes))
        {
            target = ArrayPool<byte>.Shared.Rent(Math.Max(needed, UsualBytes));
        }

        _buffer.AsSpan(_start, left).CopyTo(target);
        if (target != _buffer)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = target;
        }

        _start = 0;
        _end = left;
    }
}
