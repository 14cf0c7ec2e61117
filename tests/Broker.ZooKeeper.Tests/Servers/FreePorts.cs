using System.Net;
using System.Net.Sockets;

namespace Broker.ZooKeeper.Tests;

/// <summary>
/// Ports that nobody listens on, for servers that must be told theirs or come back to it. Below those that the system gives to outgoing connections: one of
/// these could take the port before the server does or while it is down, or even connect to itself while it waits for the server.
/// </summary>
public static class FreePorts
{
    private const int First = 12_000;
    private const int End = 32_000;

    private static readonly HashSet<int> Given = [];

    public static int Find() => FindAround(0);

    public static int[] Find(int count) => [.. Enumerable.Range(0, count).Select(_ => Find())];

    /// <summary>A port such that those at all <paramref name="offsets"/> from it are free, for a server that derives its ports from one.</summary>
    public static int FindAround(params int[] offsets)
    {
        lock (Given)
        {
            while (true)
            {
                int port = Random.Shared.Next(First - offsets.Min(), End - offsets.Max());
                if (offsets.All(offset => !Given.Contains(port + offset) && IsFree(port + offset)))
                {
                    Given.UnionWith(offsets.Select(offset => port + offset));
                    return port;
                }
            }
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
