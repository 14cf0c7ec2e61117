using System.Net;
using System.Net.Sockets;

namespace Broker.ZooKeeper.Tests;

/// <summary>
/// Ports that nobody listens on, for servers that must be told theirs. Below those that the system gives to outgoing connections: one of these could take
/// the port before the server does, or even connect to itself while it waits for the server.
/// </summary>
public static class FreePorts
{
    private const int First = 12_000;
    private const int End = 32_000;

    private static readonly HashSet<int> Given = [];

    public static int[] Find(int count)
    {
        int[] ports = new int[count];
        lock (Given)
        {
            for (int i = 0; i < count; i++)
            {
                do
                {
                    ports[i] = Random.Shared.Next(First, End);
                }
                while (!IsFree(ports[i]) || !Given.Add(ports[i]));
            }
        }

        return ports;
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
