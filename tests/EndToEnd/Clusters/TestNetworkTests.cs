using System.Net;
using System.Net.Sockets;

namespace Broker.EndToEnd;

/// <summary>The network that tests cut does what it is told: seen with datagrams, which nobody sends again.</summary>
public sealed class TestNetworkTests
{
    private const int Datagrams = 500;

    [NetworkFact]
    public async Task Frames_are_dropped_as_told_and_no_others()
    {
        await using TestNetwork network = await TestNetwork.CreateAsync(2);
        (NetworkSpace first, NetworkSpace second) = (network.Spaces[0], network.Spaces[1]);
        using System.Diagnostics.Process echo = Command.Start(
            "ip", ["netns", "exec", first.Name, "/usr/bin/python3", "-c", "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 7))\nwhile True: s.sendto(*s.recvfrom(9))"]);
        try
        {
            await Eventually.TrueAsync(() => EchoesAsync(first, 1).Result == 1, "the echo runs");
            Assert.Equal(Datagrams, await EchoesAsync(first, Datagrams));
            Assert.Equal(0, await network.HealAsync());

            await network.PartAsync(first, second);
            Assert.Equal(Datagrams, await EchoesAsync(first, Datagrams));
            await network.HealAsync();

            foreach (Func<NetworkSpace, Task> cut in (Func<NetworkSpace, Task>[])[network.IsolateAsync, network.SilenceAsync, network.DeafenAsync])
            {
                await cut(first);
                Assert.Equal(0, await EchoesAsync(first, 5));
                Assert.Equal(5, await network.HealAsync());
            }

            await network.LoseAsync(first, 30, sent: true);
            int echoes = await EchoesAsync(first, Datagrams);

            // Of 500 at 30 % all but one in a million times 100 to 200 are lost.
            Assert.InRange(echoes, Datagrams - 200, Datagrams - 100);
            Assert.Equal(Datagrams - echoes, await network.HealAsync());
            Assert.Equal(Datagrams, await EchoesAsync(first, Datagrams));
        }
        finally
        {
            echo.Kill();
            await echo.WaitForExitAsync();
        }
    }

    /// <summary>How many of so many datagrams come back, one after the other; those that are lost are not waited for long.</summary>
    private static async Task<int> EchoesAsync(NetworkSpace space, int count)
    {
        using var client = new UdpClient();
        client.Connect(IPAddress.Parse(space.Address), 7);
        int echoes = 0;
        for (int i = 0; i < count; i++)
        {
            await client.SendAsync(new byte[] { (byte)i });
            using var patience = new CancellationTokenSource(20);
            try
            {
                await client.ReceiveAsync(patience.Token);
                echoes++;
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // Lost; or nobody listens there yet.
            }
        }

        return echoes;
    }
}
