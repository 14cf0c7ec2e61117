using static Broker.Cluster.Tests.Trees;

namespace Broker.Cluster.Tests;

/// <summary>The embedded store keeps the contract, and its own promises about files.</summary>
public sealed class EmbeddedTreeTests : CoordinationTreeContract, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private EmbeddedTree? _tree;

    protected override async Task<ICoordinationTree> OpenAsync()
    {
        if (_tree is not null)
        {
            await _tree.DisposeAsync();
        }

        return _tree = EmbeddedTree.Open(_directory.Path, TimeProvider.System);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task After_a_kill_the_ephemeral_nodes_of_that_session_are_gone()
    {
        EmbeddedTree tree = _directory.Open();
        await tree.CreateAsync("/e", default, CreateMode.Ephemeral);
        await tree.CreateAsync("/p", default);
        await _directory.KillAsync(tree);

        await using EmbeddedTree next = _directory.Open();

        Assert.Equal(["p"], await next.ChildrenAsync("/"));
    }

    [Fact]
    public async Task A_second_opening_is_refused_while_the_first_lives()
    {
        await using EmbeddedTree tree = _directory.Open();

        Assert.Throws<IOException>(() => _directory.Open());

        await tree.CreateAsync("/a", default);
    }

    [Fact]
    public async Task Only_two_plain_files_are_made()
    {
        await using (EmbeddedTree tree = _directory.Open(snapshotAfterBytes: 0))
        {
            await tree.CreateAsync("/a", default);
        }

        Assert.Equal([TreeFiles.LogName, TreeFiles.SnapshotName], Directory.GetFileSystemEntries(_directory.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task The_log_gives_way_to_a_snapshot_that_has_everything()
    {
        string before;
        await using (EmbeddedTree tree = _directory.Open(snapshotAfterBytes: 2000))
        {
            await tree.CreateAsync("/n", default);
            await tree.CreateAsync("/s", default);
            for (int i = 0; i < 200; i++)
            {
                await tree.SetAsync("/n", Bytes(new string('x', i)));
                await tree.CreateAsync("/s/x", default, CreateMode.PersistentSequential);
                Assert.True(tree.LogBytes < 30_000);
            }

            before = await tree.DumpAsync();
        }

        Assert.True(new FileInfo(_directory.SnapshotFile).Length > 2000);
        await using EmbeddedTree next = _directory.Open();
        Assert.Equal(before, await next.DumpAsync());
        Assert.Equal("/s/x0000000200", await next.CreateAsync("/s/x", default, CreateMode.PersistentSequential));
    }

    [Fact]
    public async Task More_bytes_than_a_node_may_hold_are_refused()
    {
        await using EmbeddedTree tree = _directory.Open();
        await tree.CreateAsync("/a", new byte[4 * 1024 * 1024]);

        await RefusesAsync(CoordinationError.BadArguments, () => tree.SetAsync("/a", new byte[(4 * 1024 * 1024) + 1]).AsTask());
        await RefusesAsync(CoordinationError.BadArguments, () => tree.CreateAsync("/" + new string('a', 40_000), default).AsTask());
    }
}
