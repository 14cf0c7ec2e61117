using System.Net;
using System.Net.Sockets;

namespace Broker.EndToEnd;

/// <summary>Ports that nobody listens on, for settings that must name a port before the broker runs.</summary>
internal static class FreePort
{
    /// <summary>Different ports: all are held until the last is found.</summary>
    public static int[] Find(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (TcpListener listener in listeners)
        {
            listener.Start();
        }

        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        foreach (TcpListener listener in listeners)
        {
            listener.Dispose();
        }

        return ports;
    }
}
