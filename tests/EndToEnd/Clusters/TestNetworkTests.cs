using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Broker.EndToEnd;

/// <summary>The network that tests cut does what it is told: seen with datagrams, which nobody sends again.</summary>
public sealed class TestNetworkTests
{
    private const int Datagrams = 500;

    /// <summary>Counts what it gets, and says so at each new end.</summary>
    private const string Sink = """
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)
        s.bind(('', 7))
        got, last = 0, b''
        while True:
            d = s.recv(99)
            if d == b'x':
                got += 1
            elif d != last:
                print(got, flush=True)
                got, last = 0, d
        """;

    private int _rounds;

    [NetworkFact]
    public async Task Frames_are_dropped_as_told_and_no_others()
    {
        await using TestNetwork network = await TestNetwork.CreateAsync(2);
        (NetworkSpace first, NetworkSpace second) = (network.Spaces[0], network.Spaces[1]);
        using System.Diagnostics.Process sink = Command.Start("ip", ["netns", "exec", first.Name, "/usr/bin/python3", "-c", Sink]);
        try
        {
            // What is sent before the sink is there is not counted.
            await ReceivedAsync(network, sink, first, 0);
            Assert.Equal(Datagrams, await ReceivedAsync(network, sink, first));

            // Only in the direction, and between the two, that are cut.
            await network.SilenceAsync(first);
            Assert.Equal(Datagrams, await ReceivedAsync(network, sink, first));
            await network.PartAsync(first, second);
            Assert.Equal(Datagrams, await ReceivedAsync(network, sink, first));
            await network.LoseAsync(first, 30, sent: true);
            Assert.Equal(Datagrams, await ReceivedAsync(network, sink, first));

            await network.DeafenAsync(first);
            Assert.Equal(0, await ReceivedAsync(network, sink, first));
            await network.IsolateAsync(first);
            Assert.Equal(0, await ReceivedAsync(network, sink, first));

            // Of 500 at 30 % all but once in a million times 100 to 200 are lost.
            await network.LoseAsync(first, 30, sent: false);
            Assert.InRange(await ReceivedAsync(network, sink, first), Datagrams - 200, Datagrams - 100);
        }
        finally
        {
            sink.Kill();
            await sink.WaitForExitAsync();
        }
    }

    /// <summary>How many of so many datagrams arrive on the network as it is, which is healed after them: an end comes through for certain.</summary>
    private async Task<int> ReceivedAsync(TestNetwork network, System.Diagnostics.Process sink, NetworkSpace space, int count = Datagrams)
    {
        using var client = new UdpClient();
        var to = new IPEndPoint(IPAddress.Parse(space.Address), 7);
        for (int i = 0; i < count; i++)
        {
            await client.SendAsync("x"u8.ToArray(), to);
        }

        await network.HealAsync();
        Task<string?> answer = sink.StandardOutput.ReadLineAsync();
        byte[] end = Encoding.ASCII.GetBytes($"end {++_rounds}");
        for (; !answer.IsCompleted; await Task.WhenAny(answer, Task.Delay(50)))
        {
            await client.SendAsync(end, to);
        }

        return int.Parse((await answer)!, System.Globalization.CultureInfo.InvariantCulture);
    }
}
