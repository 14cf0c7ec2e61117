using System.Net;
using System.Net.Sockets;

namespace Broker.ZooKeeper.Tests;

/// <summary>Ports that nobody listens on, for servers that must be told theirs.</summary>
public static class FreePorts
{
    /// <summary>Different ports: all are held until the last is found.</summary>
    public static int[] Find(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        Array.ForEach(listeners, listener => listener.Start());
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        Array.ForEach(listeners, listener => listener.Dispose());
        return ports;
    }
}
