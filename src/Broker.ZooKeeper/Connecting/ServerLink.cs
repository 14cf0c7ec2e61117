using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Broker.ZooKeeper;

/// <summary>Opens the stream to a server: TCP, and TLS over it where that is asked for.</summary>
internal static class ServerLink
{
    public static async Task<Stream> OpenAsync(ZooKeeperServerAddress server, ZooKeeperTlsOptions? tls, Random random, CancellationToken stop)
    {
        IPAddress[] addresses = IPAddress.TryParse(server.Host, out IPAddress? literal) ? [literal] : await Dns.GetHostAddressesAsync(server.Host, stop).ConfigureAwait(false);
        // All of them, in an order of its own: a name may stand for a whole ensemble.
        random.Shuffle(addresses);
        Exception? last = null;
        foreach (IPAddress address in addresses)
        {
            try
            {
                return await OpenAsync(new IPEndPoint(address, server.Port), server.Host, tls, stop).ConfigureAwait(false);
            }
            catch (SocketException e)
            {
                last = e;
            }
        }

        throw last ?? new SocketException((int)SocketError.HostNotFound);
    }

    private static async Task<Stream> OpenAsync(IPEndPoint endpoint, string host, ZooKeeperTlsOptions? tls, CancellationToken stop)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream stream;
        try
        {
            await socket.ConnectAsync(endpoint, stop).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        if (tls is null)
        {
            return stream;
        }

        var secure = new SslStream(stream);
        try
        {
            await secure.AuthenticateAsClientAsync(tls.ForServer(host), stop).ConfigureAwait(false);
            return secure;
        }
        catch
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
