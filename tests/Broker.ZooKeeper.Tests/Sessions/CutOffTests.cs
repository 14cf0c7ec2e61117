using System.Text;

namespace Broker.ZooKeeper.Tests;

/// <summary>A real server behind a way that is cut: sessions go on, watches miss nothing, expiry is noticed.</summary>
public sealed class CutOffTests(SharedServer shared) : IClassFixture<SharedServer>
{
    [ZooKeeperFact]
    public async Task A_session_survives_a_cut_and_its_watches_tell_what_happened_meanwhile()
    {
        await using var proxy = new TcpProxy(shared.Server.ClientPort);
        string tree = shared.NewTree();
        string chroot = tree[tree.IndexOf('/')..];
        await using ZooKeeperClient other = await ConnectAsync(tree);
        await other.CreateChrootAsync();
        await other.CreateAsync("/changed", default);
        await other.CreateAsync("/deleted", default);
        await other.CreateAsync("/quiet", default);
        await using ZooKeeperClient client = await ConnectAsync(proxy.Address + chroot);
        await client.CreateAsync("/mine", default, ZooKeeperCreateMode.Ephemeral);
        var events = new EventLog();
        await client.GetDataAsync("/changed", events.Add);
        await client.GetDataAsync("/deleted", events.Add);
        await client.GetDataAsync("/quiet", events.Add);
        await client.ExistsAsync("/created", events.Add);
        await client.GetChildrenAsync("/", events.Add);
        await using IAsyncDisposable subtree = await client.AddWatchAsync("/sub", isRecursive: true, events.Add);
        long session = client.SessionId;

        proxy.Cut();
        await other.SetDataAsync("/changed", Bytes("1"));
        await other.DeleteAsync("/deleted");
        await other.CreateAsync("/created", default);
        await other.CreateAsync("/sub", default);
        proxy.Heal();
        await client.GetDataAsync("/quiet");

        Assert.Equal(session, client.SessionId);
        Assert.Equal(
            ["NodeChildrenChanged /", "NodeCreated /created", "NodeDataChanged /changed", "NodeDeleted /deleted", "Reconnected /sub"],
            events.Take());
        Assert.NotNull(await other.ExistsAsync("/mine"));

        await other.SetDataAsync("/quiet", Bytes("1"));
        await other.CreateAsync("/sub/a", default);
        await client.SyncAsync();
        Assert.Equal(["NodeCreated /sub/a", "NodeDataChanged /quiet"], events.Take());
    }

    [ZooKeeperFact]
    public async Task Expiry_is_noticed_and_told_once()
    {
        await using var proxy = new TcpProxy(shared.Server.ClientPort);
        string tree = shared.NewTree();
        await using ZooKeeperClient other = await ConnectAsync(tree);
        await other.CreateChrootAsync();
        await using ZooKeeperClient client = await ConnectAsync(proxy.Address + tree[tree.IndexOf('/')..], sessionTimeoutMs: 600);
        await client.CreateAsync("/mine", default, ZooKeeperCreateMode.Ephemeral);
        var events = new EventLog();
        await client.GetDataAsync("/mine", events.Add);
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await other.ExistsAsync("/mine", _ => gone.SetResult());

        proxy.Cut();
        await gone.Task;
        proxy.Heal();

        Assert.Equal(ZooKeeperState.Expired, await client.Ended);
        Assert.Equal(["SessionExpired /mine"], events.Take());
        await Assert.ThrowsAsync<ZooKeeperSessionExpiredException>(() => client.GetDataAsync("/"));
    }

    [ZooKeeperFact]
    public async Task A_session_that_is_closed_elsewhere_is_expired()
    {
        string tree = shared.NewTree();
        await using ZooKeeperClient client = await ConnectAsync(tree);
        await using (await ZooKeeperClient.ConnectAsync(Options(tree), client.Session, TimeProvider.System))
        {
            // The same session at a second connection, which ends it.
        }

        Assert.Equal(ZooKeeperState.Expired, await client.Ended);
    }

    [ZooKeeperFact]
    public async Task Thousands_of_watches_are_set_again_in_several_frames()
    {
        const int Count = 3000;
        await using var proxy = new TcpProxy(shared.Server.ClientPort);
        string tree = shared.NewTree();
        await using ZooKeeperClient other = await ConnectAsync(tree);
        await other.CreateChrootAsync();
        await using ZooKeeperClient client = await ConnectAsync(proxy.Address + tree[tree.IndexOf('/')..]);
        var events = new EventLog();
        string Name(int i) => $"/{new string('n', 100)}{i}";
        await Task.WhenAll(Enumerable.Range(0, Count).Select(i => client.ExistsAsync(Name(i), events.Add)));

        proxy.Cut();
        proxy.Heal();
        await client.SyncAsync();
        await Task.WhenAll(Enumerable.Range(0, Count).Select(i => other.CreateAsync(Name(i), default)));
        await client.SyncAsync();

        Assert.Equal(Count, events.Take().Length);
    }

    [ZooKeeperFact]
    public async Task No_acknowledged_change_is_lost_and_none_is_made_twice()
    {
        const int Writes = 400;
        await using var proxy = new TcpProxy(shared.Server.ClientPort);
        string tree = shared.NewTree();
        await using ZooKeeperClient other = await ConnectAsync(tree);
        await other.CreateChrootAsync();
        await using ZooKeeperClient client = await ConnectAsync(proxy.Address + tree[tree.IndexOf('/')..]);
        int acknowledged = 0;
        var outcomes = new List<string>();

        Task cutting = Task.Run(async () =>
        {
            for (int cut = 1; cut <= 5; cut++)
            {
                while (Volatile.Read(ref acknowledged) < cut * Writes / 8)
                {
                    await Task.Yield();
                }

                proxy.Cut();
                proxy.Heal();
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            for (int i = 0; i < Writes / 8; i++)
            {
                string outcome = await SequentialAsync(client, $"{worker}-{i}");
                lock (outcomes)
                {
                    outcomes.Add(outcome);
                }

                Interlocked.Increment(ref acknowledged);
            }
        }));
        await cutting;

        await other.SyncAsync();
        var made = new Dictionary<string, string>();
        foreach (string name in (await other.GetChildrenAsync("/")).Names)
        {
            string content = Encoding.UTF8.GetString((await other.GetDataAsync($"/{name}")).Data);
            Assert.True(made.TryAdd(content, $"/{name}"), $"{content} was made twice");
        }

        string[] acks = [.. outcomes.Where(o => o != "unknown")];
        Assert.All(acks, ack => Assert.Equal(ack.Split(' ')[1], made[ack.Split(' ')[0]]));
        Assert.InRange(made.Count, acks.Length, Writes);
        Assert.NotEmpty(acks);
    }

    private static async Task<string> SequentialAsync(ZooKeeperClient client, string content)
    {
        try
        {
            return $"{content} {(await client.CreateAsync("/s-", Bytes(content), ZooKeeperCreateMode.PersistentSequential)).Path}";
        }
        catch (ZooKeeperConnectionLossException e) when (e.IsOutcomeUnknown)
        {
            return "unknown";
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static ZooKeeperClientOptions Options(string servers, int sessionTimeoutMs = 15_000) =>
        new(ZooKeeperConnectString.Parse(servers)) { SessionTimeoutMs = sessionTimeoutMs, ConnectionTimeoutMs = 15_000, MaxInFlightRequests = 100 };

    private static Task<ZooKeeperClient> ConnectAsync(string servers, int sessionTimeoutMs = 15_000) => ZooKeeperClient.ConnectAsync(Options(servers, sessionTimeoutMs), TimeProvider.System);
}
