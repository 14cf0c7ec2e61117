using static Broker.Cluster.Tests.Trees;

namespace Broker.Cluster.Tests;

/// <summary>
/// What <see cref="ICoordinationTree"/> promises, for any store. A store's own test class opens sessions on one shared tree; one session at a time is
/// enough, and then a second <see cref="OpenAsync"/> ends the first.
/// </summary>
public abstract class CoordinationTreeContract
{
    /// <summary>A new session on the tree of this test.</summary>
    protected abstract Task<ICoordinationTree> OpenAsync();

    [StoreFact]
    public async Task A_new_node_has_version_0_and_the_bytes_it_was_given()
    {
        await using ICoordinationTree tree = await OpenAsync();

        Assert.Equal("/a", await tree.CreateAsync("/a", Bytes("one")));

        TreeNode node = await tree.GetAsync("/a");
        Assert.Equal("one", Text(node.Data));
        Assert.Equal((0, 0, 0, 0L, 3, 0), (node.Stat.Version, node.Stat.Cversion, node.Stat.Aversion, node.Stat.EphemeralOwner, node.Stat.DataLength, node.Stat.NumChildren));
        Assert.True(node.Stat.Czxid > 0);
        Assert.Equal((node.Stat.Czxid, node.Stat.Czxid, node.Stat.CtimeMs), (node.Stat.Mzxid, node.Stat.Pzxid, node.Stat.MtimeMs));
    }

    [StoreFact]
    public async Task Set_counts_versions_and_moves_mzxid_only()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/a", Bytes("one"));
        NodeStat before = (await tree.ExistsAsync("/a"))!;

        NodeStat after = await tree.SetAsync("/a", Bytes("four"), 0);

        Assert.Equal(before with { Mzxid = after.Mzxid, MtimeMs = after.MtimeMs, Version = 1, DataLength = 4 }, after);
        Assert.True(after.Mzxid > before.Mzxid);
        Assert.Equal("four", Text((await tree.GetAsync("/a")).Data));
    }

    [StoreFact]
    public async Task Children_change_their_parents_cversion_and_pzxid_but_not_its_version()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/p", Bytes("p"));
        NodeStat before = (await tree.ExistsAsync("/p"))!;
        await tree.CreateAsync("/p/b", default);
        await tree.CreateAsync("/p/a", default);
        await tree.DeleteAsync("/p/b");
        NodeStat child = (await tree.ExistsAsync("/p/a"))!;

        NodeStat after = (await tree.ExistsAsync("/p"))!;

        Assert.Equal(before with { Pzxid = after.Pzxid, Cversion = 3, NumChildren = 1 }, after);
        Assert.True(after.Pzxid > child.Czxid);
        Assert.Equal(["a"], await tree.ChildrenAsync("/p"));
    }

    [StoreFact]
    public async Task Refusals_name_their_reason()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/a", default);
        await tree.CreateAsync("/a/b", default);
        await tree.CreateAsync("/e", default, CreateMode.Ephemeral);
        string before = await tree.DumpAsync();

        await RefusesAsync(CoordinationError.NodeExists, () => tree.CreateAsync("/a", default).AsTask());
        await RefusesAsync(CoordinationError.NodeExists, () => tree.CreateAsync("/", default).AsTask());
        await RefusesAsync(CoordinationError.NoNode, () => tree.CreateAsync("/x/y", default).AsTask());
        await RefusesAsync(CoordinationError.NoChildrenForEphemerals, () => tree.CreateAsync("/e/y", default).AsTask());
        await RefusesAsync(CoordinationError.NoNode, () => tree.GetAsync("/x").AsTask());
        await RefusesAsync(CoordinationError.NoNode, () => tree.ChildrenAsync("/x").AsTask());
        await RefusesAsync(CoordinationError.NoNode, () => tree.SetAsync("/x", default).AsTask());
        await RefusesAsync(CoordinationError.BadVersion, () => tree.SetAsync("/a", default, 1).AsTask());
        await RefusesAsync(CoordinationError.NoNode, () => tree.DeleteAsync("/x").AsTask());
        await RefusesAsync(CoordinationError.BadVersion, () => tree.DeleteAsync("/a/b", 3).AsTask());
        await RefusesAsync(CoordinationError.NotEmpty, () => tree.DeleteAsync("/a").AsTask());
        await RefusesAsync(CoordinationError.BadArguments, () => tree.DeleteAsync("/").AsTask());
        Assert.Null(await tree.ExistsAsync("/x"));
        Assert.Equal(before, await tree.DumpAsync());
    }

    [StoreTheory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("/a/")]
    [InlineData("//")]
    [InlineData("/a//b")]
    [InlineData("/.")]
    [InlineData("/a/..")]
    [InlineData("/a/./b")]
    [InlineData("/a\0b")]
    [InlineData("/a\u0085")]
    [InlineData("/a\ud800")]
    public async Task Paths_that_are_not_well_formed_are_refused(string path)
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/a", default);

        await RefusesAsync(CoordinationError.BadArguments, () => tree.CreateAsync(path, default).AsTask());
        await RefusesAsync(CoordinationError.BadArguments, () => tree.GetAsync(path).AsTask());
        await RefusesAsync(CoordinationError.BadArguments, () => tree.ExistsAsync(path).AsTask());
        await RefusesAsync(CoordinationError.BadArguments, () => tree.ChildrenAsync(path).AsTask());
        await RefusesAsync(CoordinationError.BadArguments, () => tree.SetAsync(path, default).AsTask());
        await RefusesAsync(CoordinationError.BadArguments, () => tree.DeleteAsync(path).AsTask());
        CoordinationException inMulti = await RefusesAsync(CoordinationError.BadArguments, () => tree.MultiAsync([TreeOperation.Check("/a", 0), TreeOperation.Set(path, default)]).AsTask());
        Assert.Equal(1, inMulti.OperationIndex);
    }

    [StoreTheory]
    [InlineData("/<default>")]
    [InlineData("/...")]
    [InlineData("/a b%2A")]
    [InlineData("/ü")]
    public async Task Other_characters_are_welcome(string path)
    {
        await using ICoordinationTree tree = await OpenAsync();

        await tree.CreateAsync(path, Bytes("x"));

        Assert.Equal("x", Text((await tree.GetAsync(path)).Data));
        Assert.Contains(path[1..], await tree.ChildrenAsync("/"));
    }

    [StoreFact]
    public async Task Sequential_nodes_count_the_children_ever_made()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/s", default);

        Assert.Equal("/s/n_0000000000", await tree.CreateAsync("/s/n_", default, CreateMode.PersistentSequential));
        await tree.CreateAsync("/s/other", default);
        await tree.DeleteAsync("/s/n_0000000000");
        Assert.Equal("/s/n_0000000002", await tree.CreateAsync("/s/n_", default, CreateMode.EphemeralSequential));
        Assert.Equal("/s/0000000003", await tree.CreateAsync("/s/", default, CreateMode.PersistentSequential));
        Assert.Equal(["0000000003", "n_0000000002", "other"], await tree.ChildrenAsync("/s"));
        Assert.Equal(tree.SessionId, (await tree.ExistsAsync("/s/n_0000000002"))!.EphemeralOwner);
    }

    [StoreFact]
    public async Task A_multi_happens_as_a_whole_and_each_operation_sees_those_before()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/a", Bytes("old"));
        await tree.CreateAsync("/gone", default);

        IReadOnlyList<OperationResult> results = await tree.MultiAsync(
        [
            TreeOperation.Check("/a", 0),
            TreeOperation.Set("/a", Bytes("new"), 0),
            TreeOperation.Set("/a", Bytes("newer"), 1),
            TreeOperation.Create("/a/b", Bytes("b")),
            TreeOperation.Create("/a/b/s_", default, CreateMode.PersistentSequential),
            TreeOperation.Create("/a/b/s_", default, CreateMode.PersistentSequential),
            TreeOperation.Delete("/gone", 0),
            TreeOperation.Create("/gone", Bytes("again")),
            TreeOperation.Delete("/a/b/s_0000000000"),
        ]);

        Assert.Equal(["/a", "/a", "/a", "/a/b", "/a/b/s_0000000000", "/a/b/s_0000000001", "/gone", "/gone", "/a/b/s_0000000000"], results.Select(r => r.Path));
        Assert.Equal("newer", Text((await tree.GetAsync("/a")).Data));
        Assert.Equal("again", Text((await tree.GetAsync("/gone")).Data));
        Assert.Equal(["s_0000000001"], await tree.ChildrenAsync("/a/b"));
        NodeStat first = results[1].Stat!, second = results[2].Stat!;
        Assert.Equal((1, 3, 0), (first.Version, first.DataLength, first.NumChildren));
        Assert.Equal((2, 5, 0), (second.Version, second.DataLength, second.NumChildren));
        Assert.All(results.Where((_, i) => i is not (1 or 2)), r => Assert.Null(r.Stat));
        NodeStat made = (await tree.ExistsAsync("/a/b"))!;
        Assert.Equal((second.Mzxid, 0, 1), (made.Czxid, made.Version, made.NumChildren));
        Assert.Equal(second.Mzxid, (await tree.ExistsAsync("/gone"))!.Czxid);
    }

    [StoreFact]
    public async Task A_multi_with_one_refusal_does_nothing_and_says_which()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/a", Bytes("old"));
        string before = await tree.DumpAsync();

        CoordinationException refusal = await RefusesAsync(CoordinationError.BadVersion, () => tree.MultiAsync(
        [
            TreeOperation.Create("/b", default),
            TreeOperation.Delete("/b"),
            TreeOperation.Check("/a", 7),
            TreeOperation.Create("/x/y", default),
        ]).AsTask());

        Assert.Equal((2, "/a"), (refusal.OperationIndex, refusal.Path));
        Assert.Equal(before, await tree.DumpAsync());
    }

    [StoreFact]
    public async Task Ephemeral_nodes_end_with_their_session()
    {
        await using (ICoordinationTree first = await OpenAsync())
        {
            await first.CreateAsync("/p", default);
            await first.CreateAsync("/p/e", default, CreateMode.Ephemeral);
            Assert.Equal(first.SessionId, (await first.ExistsAsync("/p/e"))!.EphemeralOwner);
        }

        await using ICoordinationTree second = await OpenAsync();
        Assert.Empty(await second.ChildrenAsync("/p"));
        Assert.Equal(2, (await second.ExistsAsync("/p"))!.Cversion);
    }

    [StoreFact]
    public async Task Later_sessions_have_other_ids_and_later_changes_higher_numbers()
    {
        long session, zxid;
        await using (ICoordinationTree first = await OpenAsync())
        {
            await first.CreateAsync("/e", default, CreateMode.Ephemeral);
            session = first.SessionId;
            zxid = (await first.ExistsAsync("/e"))!.Czxid;
        }

        await using ICoordinationTree second = await OpenAsync();
        await second.CreateAsync("/e", default, CreateMode.Ephemeral);
        Assert.NotEqual(session, second.SessionId);
        Assert.True((await second.ExistsAsync("/e"))!.Czxid > zxid);
    }

    [StoreFact]
    public async Task Everything_else_is_there_in_the_next_session()
    {
        string before;
        await using (ICoordinationTree first = await OpenAsync())
        {
            await first.CreateAsync("/a", Bytes("1"));
            await first.SetAsync("/a", Bytes("2"));
            await first.CreateAsync("/a/s", default, CreateMode.PersistentSequential);
            await first.CreateAsync("/a/s", default, CreateMode.PersistentSequential);
            await first.DeleteAsync("/a/s0000000001");
            before = await first.DumpAsync();
        }

        await using ICoordinationTree second = await OpenAsync();
        Assert.Equal(before, await second.DumpAsync());
        Assert.Equal("/a/s0000000002", await second.CreateAsync("/a/s", default, CreateMode.PersistentSequential));
    }

    [StoreFact]
    public async Task A_closed_session_refuses_everything()
    {
        ICoordinationTree tree = await OpenAsync();
        await tree.DisposeAsync();
        await tree.DisposeAsync();

        await RefusesAsync(CoordinationError.Closed, () => tree.CreateAsync("/a", default).AsTask());
        await RefusesAsync(CoordinationError.Closed, () => tree.GetAsync("/").AsTask());
        await RefusesAsync(CoordinationError.Closed, () => tree.ExistsAsync("/").AsTask());
        await RefusesAsync(CoordinationError.Closed, () => tree.ChildrenAsync("/").AsTask());
        await RefusesAsync(CoordinationError.Closed, () => tree.MultiAsync([]).AsTask());
        await RefusesAsync(CoordinationError.Closed, () => tree.SyncAsync().AsTask());
        await RefusesAsync(CoordinationError.Closed, () => tree.WatchTreeAsync("/", _ => { }).AsTask());
    }

    [StoreFact]
    public async Task What_callers_do_to_bytes_afterwards_changes_nothing()
    {
        await using ICoordinationTree tree = await OpenAsync();
        byte[] given = Bytes("abc");
        await tree.CreateAsync("/a", given);
        given[0] = (byte)'x';
        (await tree.GetAsync("/a")).Data[1] = (byte)'y';

        Assert.Equal("abc", Text((await tree.GetAsync("/a")).Data));
    }

    [StoreFact]
    public async Task Watches_tell_once_what_they_watch()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/a", default);
        var seen = new List<string>();
        Action<WatchedEvent> Tell(string name) => e =>
        {
            lock (seen)
            {
                seen.Add($"{name} {e.Type} {e.Path}");
            }
        };
        await tree.GetAsync("/a", Tell("get"));
        await tree.ExistsAsync("/a", Tell("exists"));
        await tree.ExistsAsync("/a/b", Tell("missing"));
        await tree.ChildrenAsync("/a", Tell("children"));

        await tree.CreateAsync("/a/b", default);
        await tree.SetAsync("/a", Bytes("1"));
        await tree.SetAsync("/a", Bytes("2"));
        await tree.SetAsync("/a/b", Bytes("1"));
        await tree.DeleteAsync("/a/b");
        await tree.GetAsync("/a");

        Assert.Equal(
            ["missing NodeCreated /a/b", "children NodeChildrenChanged /a", "get NodeDataChanged /a", "exists NodeDataChanged /a"],
            seen);
    }

    [StoreFact]
    public async Task Deletion_tells_all_three_kinds_of_watches()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/a", default);
        var seen = new List<WatchedEvent>();
        await tree.GetAsync("/a", seen.Add);
        await tree.ExistsAsync("/a", seen.Add);
        await tree.ChildrenAsync("/a", seen.Add);
        await tree.ChildrenAsync("/", seen.Add);

        await tree.DeleteAsync("/a");
        await tree.ExistsAsync("/a");

        var deleted = new WatchedEvent(WatchedEventType.NodeDeleted, "/a");
        Assert.Equal([deleted, deleted, deleted, new WatchedEvent(WatchedEventType.NodeChildrenChanged, "/")], seen);
    }

    [StoreFact]
    public async Task A_watch_of_a_failed_read_or_change_is_not_told()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/a", default);
        var seen = new List<WatchedEvent>();
        await RefusesAsync(CoordinationError.NoNode, () => tree.GetAsync("/b", seen.Add).AsTask());
        await tree.GetAsync("/a", seen.Add);

        await tree.CreateAsync("/b", default);
        await RefusesAsync(CoordinationError.NoNode, () => tree.MultiAsync([TreeOperation.Set("/a", default), TreeOperation.Delete("/x")]).AsTask());

        Assert.Empty(seen);
    }

    [StoreFact]
    public async Task A_callback_may_read_change_and_watch_again_and_events_stay_in_order()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/a", default);
        await tree.CreateAsync("/b", default);
        await tree.CreateAsync("/c", default);
        var seen = new List<string>();
        await tree.ExistsAsync("/a", e =>
        {
            seen.Add("a");
            // A store over the network answers later, so nobody waits here.
            _ = tree.ExistsAsync("/a", _ => seen.Add("a again")).AsTask();
            _ = tree.SetAsync("/c", Bytes("1")).AsTask();
        });
        await tree.ExistsAsync("/b", _ => seen.Add("b"));
        await tree.ExistsAsync("/c", _ => seen.Add("c"));

        await tree.MultiAsync([TreeOperation.Set("/a", default), TreeOperation.Set("/b", default)]);
        await tree.SetAsync("/a", default);
        await tree.ExistsAsync("/a");

        Assert.Equal(["a", "b", "c", "a again"], seen);
    }

    [StoreFact]
    public async Task Concurrent_counters_lose_no_step()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/n", Bytes("0"));
        async Task CountAsync()
        {
            for (int done = 0; done < 25;)
            {
                TreeNode node = await tree.GetAsync("/n");
                try
                {
                    await tree.SetAsync("/n", Bytes((int.Parse(Text(node.Data)) + 1).ToString()), node.Stat.Version);
                    done++;
                }
                catch (CoordinationException e) when (e.Error == CoordinationError.BadVersion)
                {
                    await Task.Yield();
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(CountAsync)));

        TreeNode end = await tree.GetAsync("/n");
        Assert.Equal(("100", 100), (Text(end.Data), end.Stat.Version));
    }

    [StoreFact]
    public async Task A_watch_of_a_subtree_tells_of_every_change_in_it_until_it_is_removed()
    {
        await using ICoordinationTree tree = await OpenAsync();
        var seen = new List<string>();
        IAsyncDisposable watch = await tree.WatchTreeAsync("/a", e => seen.Add($"{e.Type} {e.Path}"));

        await tree.CreateAsync("/ab", default);
        await tree.CreateAsync("/a", default);
        await tree.MultiAsync([TreeOperation.Create("/a/b", default), TreeOperation.Create("/a/b/c", default), TreeOperation.Set("/a/b", Bytes("1"))]);
        await tree.DeleteAsync("/a/b/c");
        await tree.SetAsync("/a", Bytes("1"));
        await tree.SyncAsync();
        Assert.Equal(
            ["NodeCreated /a", "NodeCreated /a/b", "NodeCreated /a/b/c", "NodeDataChanged /a/b", "NodeDeleted /a/b/c", "NodeDataChanged /a"],
            seen);

        await watch.DisposeAsync();
        await watch.DisposeAsync();
        await tree.SetAsync("/a", Bytes("2"));
        await tree.SyncAsync();
        Assert.Equal(6, seen.Count);
    }

    [StoreFact]
    public async Task Watches_of_a_node_and_of_its_subtree_do_not_disturb_each_other()
    {
        await using ICoordinationTree tree = await OpenAsync();
        await tree.CreateAsync("/a", default);
        var seen = new List<string>();
        await tree.ChildrenAsync("/a", e => seen.Add($"early {e.Type} {e.Path}"));
        await using IAsyncDisposable watch = await tree.WatchTreeAsync("/a", e => seen.Add($"tree {e.Type} {e.Path}"));
        IAsyncDisposable second = await tree.WatchTreeAsync("/a", e => seen.Add($"second {e.Type} {e.Path}"));
        await tree.GetAsync("/a", e => seen.Add($"get {e.Type} {e.Path}"));
        await tree.ChildrenAsync("/a", e => seen.Add($"children {e.Type} {e.Path}"));
        await second.DisposeAsync();

        await tree.CreateAsync("/a/b", default);
        await tree.SetAsync("/a", Bytes("1"));
        await tree.SetAsync("/a", Bytes("2"));
        await tree.CreateAsync("/a/c", default);
        await tree.SyncAsync();

        Assert.Equal(
            ["children NodeChildrenChanged /a", "early NodeChildrenChanged /a", "get NodeDataChanged /a", "tree NodeCreated /a/b", "tree NodeCreated /a/c", "tree NodeDataChanged /a", "tree NodeDataChanged /a"],
            seen.Order(StringComparer.Ordinal));
    }

    [StoreFact]
    public async Task The_connection_is_there_until_the_end_and_the_end_is_told()
    {
        ICoordinationTree tree = await OpenAsync();
        var seen = new List<TreeConnection>();
        tree.ConnectionChanged += seen.Add;

        Assert.Equal(TreeConnection.Connected, tree.Connection);
        await tree.DisposeAsync();

        Assert.Equal(TreeConnection.Closed, tree.Connection);
        Assert.Equal([TreeConnection.Closed], seen);
    }
}
