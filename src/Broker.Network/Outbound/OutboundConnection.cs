using System.Buffers.Binary;
using System.Net.Sockets;

namespace Broker.Network;

/// <summary>
/// A connection to another broker, which is asked one thing at a time. Knows frames only. After any failure it is of no more use; its owner makes another one.
/// Not thread-safe.
/// </summary>
public sealed class OutboundConnection : IDisposable
{
    // A buffer that one large answer needed is kept for the next; beyond this it is given back.
    private const int LargestKept = 16 * 1024 * 1024;

    private readonly Socket _socket;
    private readonly int _maxFrameBytes;
    private readonly bool _reusesMemory;
    private readonly byte[] _prefix = new byte[FrameLength.PrefixBytes];
    private byte[] _buffer = [];

    private OutboundConnection(Socket socket, int maxFrameBytes, bool reusesMemory)
    {
        _socket = socket;
        _maxFrameBytes = maxFrameBytes;
        _reusesMemory = reusesMemory;
    }

    /// <param name="host">Name or address.</param>
    /// <param name="port">Port.</param>
    /// <param name="maxFrameBytes">Largest answer taken.</param>
    /// <param name="reusesMemory">Answers share their memory, and each is valid until the next exchange only; else each has its own.</param>
    /// <param name="stop">Gives up waiting.</param>
    /// <exception cref="SocketException">Nobody answers there.</exception>
    public static async Task<OutboundConnection> ConnectAsync(string host, int port, int maxFrameBytes, bool reusesMemory, CancellationToken stop)
    {
        // A request that was given up must not arrive after those that follow it on another connection: what was not delivered when it is closed never will be.
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, LingerState = new LingerOption(true, 0) };
        try
        {
            await socket.ConnectAsync(host, port, stop).ConfigureAwait(false);
            return new OutboundConnection(socket, maxFrameBytes, reusesMemory);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends a frame and waits for one: its bytes without the length.</summary>
    /// <exception cref="IOException">The connection ended, or the answer's length is none.</exception>
    /// <exception cref="SocketException">The connection broke.</exception>
    public async ValueTask<Memory<byte>> ExchangeAsync(OutboundFrame frame, CancellationToken stop)
    {
        for (ReadOnlyMemory<byte> rest = frame.Memory; rest.Length > 0;)
        {
            rest = rest[await _socket.SendAsync(rest, SocketFlags.None, stop).ConfigureAwait(false)..];
        }

        await ReceiveAsync(_prefix, stop).ConfigureAwait(false);
        int length = BinaryPrimitives.ReadInt32BigEndian(_prefix);
        if (length < 0 || length > _maxFrameBytes)
        {
            throw new IOException($"The answer claims a length of {length} bytes; at most {_maxFrameBytes} are taken");
        }

        if (!_reusesMemory || length > _buffer.Length || (_buffer.Length > LargestKept && length <= LargestKept))
        {
            _buffer = new byte[length];
        }

        await ReceiveAsync(_buffer.AsMemory(0, length), stop).ConfigureAwait(false);
        return _buffer.AsMemory(0, length);
    }

    public void Dispose() => _socket.Dispose();

    private async ValueTask ReceiveAsync(Memory<byte> into, CancellationToken stop)
    {
        while (into.Length > 0)
        {
            int count = await _socket.ReceiveAsync(into, SocketFlags.None, stop).ConfigureAwait(false);
            if (count == 0)
            {
                throw new IOException("The other broker closed the connection");
            }

            into = into[count..];
        }
    }
}
