using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Broker.ZooKeeper.Tests;

/// <summary>A way to a server that can be cut: connections end and new ones are closed at once. Counts what comes from the server.</summary>
public sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly ConcurrentDictionary<Socket, bool> _open = [];
    private readonly ConcurrentBag<Task> _work = [];
    private volatile bool _isCut;
    private long _bytesFromServer;

    public TcpProxy(int targetPort)
    {
        _target = targetPort;
        _listener.Start();
        _work.Add(AcceptAsync());
    }

    /// <summary>Bytes that the server sent, over all connections.</summary>
    public long BytesFromServer => Interlocked.Read(ref _bytesFromServer);

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Address => $"{_listener.LocalEndpoint}";

    public void Cut()
    {
        _isCut = true;
        foreach (Socket socket in _open.Keys)
        {
            socket.Dispose();
        }
    }

    public void Heal() => _isCut = false;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        Cut();
        await Task.WhenAll(_work);
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                Socket client = await _listener.AcceptSocketAsync();
                _work.Add(ServeAsync(client));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (client)
        {
            _open[client] = _open[server] = true;
            try
            {
                if (!_isCut)
                {
                    await server.ConnectAsync(IPAddress.Loopback, _target);
                    await Task.WhenAny(PumpAsync(client, server, _ => { }), PumpAsync(server, client, bytes => Interlocked.Add(ref _bytesFromServer, bytes)));
                }
            }
            catch (SocketException)
            {
                // The server is not there: the client sees a closed connection.
                return;
            }
            finally
            {
                _open.TryRemove(client, out _);
                _open.TryRemove(server, out _);
            }
        }
    }

    private static async Task PumpAsync(Socket from, Socket to, Action<int> count)
    {
        byte[] buffer = new byte[16 * 1024];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer)) > 0;)
            {
                count(read);
                await to.SendAsync(buffer.AsMemory(0, read));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut, or one end went away.
            return;
        }
    }
}
