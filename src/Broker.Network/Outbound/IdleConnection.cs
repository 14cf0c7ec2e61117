using System.Net;
using System.Net.Sockets;

namespace Broker.Network;

/// <summary>A connection to another broker that says nothing: its end tells that the other side closed it, or the system did for a process that ended.</summary>
public sealed class IdleConnection : IDisposable
{
    // Keeps what lies between, which forgets silent connections, from forgetting this one.
    private const int KeepAliveSeconds = 10;

    private readonly Socket _socket;
    private readonly byte[] _ignored = new byte[64];

    private IdleConnection(Socket socket) => _socket = socket;

    /// <exception cref="SocketException">Nobody answers there. ConnectionRefused only if every address of the host refuses.</exception>
    public static async Task<IdleConnection> ConnectAsync(string host, int port, CancellationToken stop)
    {
        SocketException? failure = null;
        foreach (IPAddress address in IPAddress.TryParse(host, out IPAddress? literal) ? [literal] : await Dns.GetHostAddressesAsync(host, stop).ConfigureAwait(false))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), stop).ConfigureAwait(false);
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
                return new IdleConnection(socket);
            }
            catch (Exception e)
            {
                socket.Dispose();
                if (e is not SocketException refused)
                {
                    throw;
                }

                failure = failure is null or { SocketErrorCode: SocketError.ConnectionRefused } ? refused : failure;
            }
        }

        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }

    /// <summary>Completes when the connection is over, whoever ended it. What comes in is dropped, and told.</summary>
    public async Task EndAsync(Action received, CancellationToken stop)
    {
        try
        {
            while (await _socket.ReceiveAsync(_ignored, SocketFlags.None, stop).ConfigureAwait(false) > 0)
            {
                received();
            }
        }
        catch (SocketException e) when (e.SocketErrorCode != SocketError.OperationAborted)
        {
            // Reset is an end like any other.
        }
    }

    /// <summary>That the connection is over is left for <see cref="EndAsync"/> to say.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _socket.SendAsync(bytes, SocketFlags.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Said there.
        }
    }

    public void Dispose() => _socket.Dispose();
}
