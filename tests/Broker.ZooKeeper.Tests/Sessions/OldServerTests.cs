namespace Broker.ZooKeeper.Tests;

/// <summary>ZooKeeper 3.4 and 3.5, as far as their protocols go.</summary>
public sealed class OldServerTests
{
    [OldZooKeeperFact]
    public async Task Version_3_4_does_everything_but_tell_the_stat_of_a_new_node()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync(ZooKeeperInstallation.Of34);
        await using ZooKeeperClient client = await ConnectAsync(server, createReturnsStat: false);

        Assert.Equal(new ZooKeeperCreated("/a", null), await client.CreateAsync("/a", new byte[] { 1 }));
        ZooKeeperOperationResult[] results = await client.MultiAsync([ZooKeeperOperation.Create("/a/s-", default, ZooKeeperCreateMode.EphemeralSequential), ZooKeeperOperation.SetData("/a", default, 0)]);
        Assert.Equal(("/a/s-0000000000", 1), (results[0].Path, results[1].Stat!.Value.Version));
        var events = new EventLog();
        await client.GetChildrenAsync("/a", events.Add);
        await client.DeleteAsync("/a/s-0000000000");
        await client.SyncAsync();
        Assert.Equal(["NodeChildrenChanged /a"], events.Take());
    }

    [OldZooKeeperFact]
    public async Task Version_3_5_has_no_persistent_watches_and_says_so()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync(ZooKeeperInstallation.Of35);
        await using ZooKeeperClient client = await ConnectAsync(server);

        Assert.NotNull((await client.CreateAsync("/a", default)).Stat);
        var events = new EventLog();
        await client.GetDataAsync("/a", events.Add);
        await client.SetDataAsync("/a", default);
        await client.SyncAsync();
        Assert.Equal(["NodeDataChanged /a"], events.Take());
        await Assert.ThrowsAnyAsync<ZooKeeperException>(() => client.AddWatchAsync("/a", isRecursive: true, _ => { }));
    }

    private static Task<ZooKeeperClient> ConnectAsync(ZooKeeperServer server, bool createReturnsStat = true) => ZooKeeperClient.ConnectAsync(
        new ZooKeeperClientOptions(ZooKeeperConnectString.Parse(server.Address)) { CreateReturnsStat = createReturnsStat, SessionTimeoutMs = 5000 }, TimeProvider.System);
}
