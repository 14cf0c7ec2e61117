using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Broker.Network.Tests;

/// <summary>A raw client: frames out, frames in. Everything has a generous time limit, so that a hang is a failure and not a stuck run.</summary>
internal sealed class TestClient : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private TestClient(Socket socket) => Socket = socket;

    public Socket Socket { get; }

    public static async Task<TestClient> ConnectAsync(IPEndPoint endPoint, int receiveBufferBytes = 0)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBufferBytes > 0)
        {
            socket.ReceiveBufferSize = receiveBufferBytes;
        }

        IPAddress address = endPoint.Address.Equals(IPAddress.Any) || endPoint.Address.Equals(IPAddress.IPv6Any) ? IPAddress.Loopback : endPoint.Address;
        await socket.ConnectAsync(new IPEndPoint(address, endPoint.Port)).WaitAsync(Patience);
        return new TestClient(socket);
    }

    public static byte[] Frame(ReadOnlySpan<byte> body)
    {
        byte[] frame = new byte[4 + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, body.Length);
        body.CopyTo(frame.AsSpan(4));
        return frame;
    }

    public static byte[] Frame(int number)
    {
        byte[] body = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(body, number);
        return Frame(body);
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await Socket.SendAsync(bytes).AsTask().WaitAsync(Patience)..];
        }
    }

    /// <summary>The body of the next response, or null when the server has closed the connection.</summary>
    public async Task<byte[]?> ReceiveAsync()
    {
        byte[] prefix = new byte[4];
        if (!await FillAsync(prefix))
        {
            return null;
        }

        byte[] body = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix)];
        Assert.True(await FillAsync(body) || body.Length == 0, "The connection ended in the middle of a response.");
        return body;
    }

    public async Task<int?> ReceiveNumberAsync() => await ReceiveAsync() is { } body ? BinaryPrimitives.ReadInt32BigEndian(body) : null;

    public async Task<bool> IsClosedByServerAsync()
    {
        try
        {
            return await Socket.ReceiveAsync(new byte[1]).WaitAsync(Patience) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    public void Dispose() => Socket.Dispose();

    private async Task<bool> FillAsync(Memory<byte> destination)
    {
        try
        {
            while (!destination.IsEmpty)
            {
                int received = await Socket.ReceiveAsync(destination).AsTask().WaitAsync(Patience);
                if (received == 0)
                {
                    return false;
                }

                destination = destination[received..];
            }
        }
        catch (SocketException)
        {
            return false;
        }

        return true;
    }
}
