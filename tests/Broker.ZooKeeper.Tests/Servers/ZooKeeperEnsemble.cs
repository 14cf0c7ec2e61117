namespace Broker.ZooKeeper.Tests;

/// <summary>Three servers that elect a leader.</summary>
public sealed class ZooKeeperEnsemble : IAsyncDisposable
{
    private const int Size = 3;

    public required IReadOnlyList<ZooKeeperServer> Servers { get; init; }

    public string Addresses => string.Join(',', Servers.Select(server => server.Address));

    /// <param name="places">Three, or null for this machine's own loopback.</param>
    public static async Task<ZooKeeperEnsemble> StartAsync(IReadOnlyList<ZooKeeperPlace>? places = null)
    {
        places ??= [.. Enumerable.Repeat(new ZooKeeperPlace("127.0.0.1", null), Size)];
        int[] ports = FreePorts.Find(3 * Size);
        string[] members = [.. places.Select((place, i) => $"server.{i + 1}={place.Address}:{ports[(3 * i) + 1]}:{ports[(3 * i) + 2]}")];
        var ensemble = new ZooKeeperEnsemble
        {
            Servers = [.. places.Select((place, i) => new ZooKeeperServer(ZooKeeperInstallation.Current!, ports[3 * i], members, id: i + 1, place: place))],
        };
        foreach (ZooKeeperServer server in ensemble.Servers)
        {
            server.Launch();
        }

        await ensemble.WaitUntilServingAsync();
        return ensemble;
    }

    public async Task WaitUntilServingAsync()
    {
        foreach (ZooKeeperServer server in Servers)
        {
            await server.WaitUntilServingAsync();
        }
    }

    public async Task<ZooKeeperServer> FindAsync(string mode)
    {
        foreach (ZooKeeperServer server in Servers)
        {
            if (await server.ModeAsync() == mode)
            {
                return server;
            }
        }

        throw new InvalidOperationException($"No server is {mode}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ZooKeeperServer server in Servers)
        {
            await server.DisposeAsync();
        }
    }
}
