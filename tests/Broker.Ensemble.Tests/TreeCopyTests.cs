using System.Text;
using Broker.Cluster;
using Broker.ZooKeeper;
using Broker.ZooKeeper.Tests;

namespace Broker.Ensemble.Tests;

/// <summary>A tree moves to ZooKeeper and back, whole or not at all.</summary>
public sealed class TreeCopyTests(SharedServer shared) : IClassFixture<SharedServer>, IDisposable
{
    private readonly DirectoryInfo _directories = Directory.CreateTempSubdirectory("tree-copy-");

    public void Dispose() => _directories.Delete(recursive: true);

    [ZooKeeperFact]
    public async Task A_tree_goes_to_ZooKeeper_and_back_with_everything_it_needs()
    {
        await using EmbeddedTree first = Open("first");
        await FillAsync(first);
        await using ICoordinationTree zooKeeper = await ZooKeeperTree.OpenAsync(
            new ZooKeeperClientOptions(ZooKeeperConnectString.Parse(shared.NewTree())), secured: false, TimeProvider.System);
        await using EmbeddedTree second = Open("second");

        TreeCopyResult there = await new TreeCopy(first, zooKeeper).RunAsync();
        TreeCopyResult again = await new TreeCopy(first, zooKeeper).RunAsync();
        await new TreeCopy(zooKeeper, second).RunAsync();

        Assert.True(there.Written >= there.Nodes);
        Assert.Equal((there.Nodes, 0), (again.Nodes, again.Written));
        Assert.Equal("topic 299", await TextAsync(second, "/brokers/topics/t299"));
        Assert.Equal("5", await TextAsync(second, "/controller_epoch"));
        Assert.Equal(2, there.FeatureLevels["transaction.version"]);
        Assert.Equal(3, (await second.ExistsAsync("/brokers/seqid"))!.Version);
        Assert.Empty(await second.ChildrenAsync("/config/changes"));
        Assert.Null(await second.ExistsAsync("/controller"));
        Assert.Equal(await ContentAsync(first), await ContentAsync(second));
    }

    [Fact]
    public async Task A_target_with_other_data_is_refused_by_name_and_untouched()
    {
        await using EmbeddedTree source = Open("source"), target = Open("target");
        await FillAsync(source);
        await MakeAsync(target, "/brokers/topics/mine", "x");
        await MakeAsync(target, "/controller_epoch", "9");
        await MakeAsync(target, "/config/topics", "");
        string before = await ContentAsync(target);

        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => new TreeCopy(source, target).RunAsync());

        Assert.Contains("/brokers/topics/mine (not in the source), /controller_epoch (other content)", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, await ContentAsync(target));
    }

    [Fact]
    public async Task A_copy_that_was_interrupted_is_finished_by_the_next()
    {
        await using EmbeddedTree source = Open("source"), target = Open("target");
        await FillAsync(source);
        // What is there after an interruption: the beginning, and never the id.
        await MakeAsync(target, "/brokers/topics/t0", "topic 0");
        await MakeAsync(target, "/brokers/seqid", "");

        await new TreeCopy(source, target).RunAsync();

        Assert.Equal("id", await TextAsync(target, "/cluster/id"));
        Assert.Equal(3, (await target.ExistsAsync("/brokers/seqid"))!.Version);
    }

    [Fact]
    public async Task Running_brokers_and_sources_without_an_id_are_refused()
    {
        await using EmbeddedTree source = Open("source"), target = Open("target");
        Assert.Contains("/cluster/id", (await Assert.ThrowsAsync<InvalidDataException>(() => new TreeCopy(source, target).RunAsync())).Message, StringComparison.Ordinal);

        await FillAsync(source);
        await source.CreateAsync("/brokers/ids/7", default, CreateMode.Ephemeral);
        Assert.Contains("Brokers run on the source: 7", (await Assert.ThrowsAsync<InvalidDataException>(() => new TreeCopy(source, target).RunAsync())).Message, StringComparison.Ordinal);
    }

    private static async Task FillAsync(ICoordinationTree tree)
    {
        await MakeAsync(tree, "/cluster/id", "id");
        await MakeAsync(tree, "/controller_epoch", "5");
        await MakeAsync(tree, "/brokers/ids", "");
        await MakeAsync(tree, "/brokers/seqid", "");
        await MakeAsync(tree, "/config/changes", "");
        await MakeAsync(tree, "/feature", """{"version":2,"status":1,"features":{"transaction.version":2}}""");
        await MakeAsync(tree, "/latest_producer_id_block", new string('b', 300_000));
        await tree.CreateAsync("/config/changes/config_change_", default, CreateMode.PersistentSequential);
        await tree.CreateAsync("/controller", default, CreateMode.Ephemeral);
        for (int i = 0; i < 3; i++)
        {
            await tree.SetAsync("/brokers/seqid", default);
        }

        for (int i = 0; i < 300; i++)
        {
            await MakeAsync(tree, $"/brokers/topics/t{i}", $"topic {i}");
        }
    }

    private static async Task MakeAsync(ICoordinationTree tree, string path, string content)
    {
        for (int slash = path.IndexOf('/', 1); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            if (await tree.ExistsAsync(path[..slash]) is null)
            {
                await tree.CreateAsync(path[..slash], default);
            }
        }

        await tree.CreateAsync(path, Encoding.UTF8.GetBytes(content));
    }

    private static async Task<string> TextAsync(ICoordinationTree tree, string path) => Encoding.UTF8.GetString((await tree.GetAsync(path)).Data);

    /// <summary>Paths and bytes of what is to be copied.</summary>
    private static async Task<string> ContentAsync(ICoordinationTree tree, string path = "/")
    {
        TreeNode node = await tree.GetAsync(path);
        var text = new StringBuilder(node.Stat.EphemeralOwner == 0 ? $"{path} {Encoding.UTF8.GetString(node.Data)}\n" : "");
        foreach (string child in path == "/config/changes" ? [] : await tree.ChildrenAsync(path))
        {
            text.Append(await ContentAsync(tree, path == "/" ? $"/{child}" : $"{path}/{child}"));
        }

        return text.ToString();
    }

    private EmbeddedTree Open(string name) => EmbeddedTree.Open(_directories.CreateSubdirectory(name).FullName, TimeProvider.System);
}
