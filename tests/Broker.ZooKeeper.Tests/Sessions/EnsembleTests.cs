using System.Text;

namespace Broker.ZooKeeper.Tests;

/// <summary>Three real servers: one is killed, one is paused, and sessions go on at the others.</summary>
public sealed class EnsembleTests
{
    [ZooKeeperFact]
    public async Task Sessions_survive_killed_and_paused_servers_and_no_acknowledged_change_is_lost()
    {
        await using ZooKeeperEnsemble ensemble = await ZooKeeperEnsemble.StartAsync();
        await using ZooKeeperClient client = await ConnectAsync(ensemble);
        await client.CreateAsync("/mine", default, ZooKeeperCreateMode.Ephemeral);
        long session = client.SessionId;
        var expected = new List<string>();

        ZooKeeperServer leader = await ensemble.FindAsync("leader");
        leader.Kill();
        await WriteAsync(client, "killed", expected);
        leader.Launch();
        await ensemble.WaitUntilServingAsync();

        ZooKeeperServer follower = await ensemble.FindAsync("follower");
        follower.Pause();
        await WriteAsync(client, "paused", expected);
        follower.Resume();
        await ensemble.WaitUntilServingAsync();

        Assert.Equal(session, client.SessionId);
        foreach (ZooKeeperServer server in ensemble.Servers)
        {
            await using ZooKeeperClient reader = await ZooKeeperClient.ConnectAsync(Options(server.Address), TimeProvider.System);
            await reader.SyncAsync();
            Assert.NotNull(await reader.ExistsAsync("/mine"));
            foreach (string ack in expected)
            {
                string[] parts = ack.Split(' ');
                Assert.Equal(parts[0], Encoding.UTF8.GetString((await reader.GetDataAsync(parts[1])).Data));
            }

            IReadOnlyList<string> names = (await reader.GetChildrenAsync("/")).Names;
            string[] contents = await Task.WhenAll(names.Where(n => n.StartsWith("s-", StringComparison.Ordinal)).Select(async n => Encoding.UTF8.GetString((await reader.GetDataAsync($"/{n}")).Data)));
            Assert.Equal(contents.Length, contents.Distinct().Count());
        }
    }

    /// <summary>Writes until twenty are acknowledged; each content is tried once.</summary>
    private static async Task WriteAsync(ZooKeeperClient client, string phase, List<string> acknowledged)
    {
        int done = 0;
        for (int i = 0; done < 20; i++)
        {
            try
            {
                ZooKeeperCreated made = await client.CreateAsync("/s-", Encoding.UTF8.GetBytes($"{phase}-{i}"), ZooKeeperCreateMode.PersistentSequential);
                acknowledged.Add($"{phase}-{i} {made.Path}");
                done++;
            }
            catch (ZooKeeperConnectionLossException)
            {
                // Unknown or not sent: another content is tried next.
                continue;
            }
        }
    }

    private static ZooKeeperClientOptions Options(string servers) => new(ZooKeeperConnectString.Parse(servers)) { SessionTimeoutMs = 12_000, ConnectionTimeoutMs = 30_000 };

    private static Task<ZooKeeperClient> ConnectAsync(ZooKeeperEnsemble ensemble) => ZooKeeperClient.ConnectAsync(Options(ensemble.Addresses), TimeProvider.System);
}
