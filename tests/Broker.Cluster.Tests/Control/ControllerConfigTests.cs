using Broker.Protocol;
using static Broker.Cluster.Tests.SingleBroker;

namespace Broker.Cluster.Tests;

/// <summary>Overrides, elections, producer ids.</summary>
public sealed class ControllerConfigTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Topic_overrides_are_written_announced_and_shown()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        await broker.CreateAsync(Topic("t", 1, configs: new() { ["a"] = "1" }));
        TopicImage before = broker.Image.Topic("t")!;

        ErrorCode error = await broker.Controller.AlterTopicConfigAsync("t", current => new Dictionary<string, string>(current) { ["b"] = "2" });

        Assert.Equal(ErrorCode.None, error);
        Assert.Equal(new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" }, broker.Image.Topic("t")!.Config);
        Assert.Equal(before.PartitionArray, broker.Image.Topic("t")!.PartitionArray);
        Assert.Equal("""{"version":1,"config":{"a":"1","b":"2"}}""", await broker.TextAsync("/config/topics/t"));
        Assert.Equal("""{"version":2,"entity_path":"topics/t"}""", await broker.TextAsync("/config/changes/config_change_0000000000"));
        Assert.Equal("metadata t/1", broker.Host.Calls[^1]);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await broker.Controller.AlterTopicConfigAsync("x", current => current));
    }

    [Fact]
    public async Task Concurrent_edits_do_not_undo_each_other()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        await broker.CreateAsync(Topic("t", 1));

        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() =>
            broker.Controller.AlterTopicConfigAsync("t", current => new Dictionary<string, string>(current) { [$"k{i}"] = "v" }))));

        Assert.Equal(20, broker.Image.Topic("t")!.Config.Count);
    }

    [Fact]
    public async Task An_edit_that_declines_changes_nothing()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        await broker.CreateAsync(Topic("t", 1));
        MetadataImage image = broker.Image;

        await broker.Controller.AlterTopicConfigAsync("t", _ => null);
        await broker.Controller.AlterBrokerConfigAsync("7", _ => null);

        Assert.Same(image, broker.Image);
        Assert.Empty(await broker.Tree.ChildrenAsync("/config/changes"));
        Assert.Null(await broker.Tree.ExistsAsync("/config/brokers/7"));
    }

    [Fact]
    public async Task Broker_overrides_are_kept_by_entity()
    {
        await using SingleBroker broker = await StartAsync(_directory);

        await broker.Controller.AlterBrokerConfigAsync("<default>", _ => new Dictionary<string, string> { ["x"] = "1" });
        await broker.Controller.AlterBrokerConfigAsync("7", current => new Dictionary<string, string>(current) { ["y"] = "2" });

        Assert.Equal("""{"version":1,"config":{"x":"1"}}""", await broker.TextAsync("/config/brokers/<default>"));
        Assert.Equal("""{"version":2,"entity_path":"brokers/<default>"}""", await broker.TextAsync("/config/changes/config_change_0000000000"));
        Assert.Equal("""{"version":2,"entity_path":"brokers/7"}""", await broker.TextAsync("/config/changes/config_change_0000000001"));
        Assert.Equal("2", broker.Image.BrokerConfigs["7"]["y"]);
        Assert.Equal(broker.Image.BrokerConfigs.Keys.Order(), (await ClusterController.ReadBrokerConfigsAsync(broker.Tree)).Keys.Order());
    }

    [Fact]
    public async Task Notifications_go_after_fifteen_minutes()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        await broker.Controller.AlterBrokerConfigAsync("7", _ => new Dictionary<string, string> { ["y"] = "1" });
        broker.Time.Advance(TimeSpan.FromMinutes(10));
        await broker.Controller.AlterBrokerConfigAsync("7", _ => new Dictionary<string, string> { ["y"] = "2" });
        broker.Time.Advance(TimeSpan.FromMinutes(6));
        await broker.Controller.AlterBrokerConfigAsync("7", _ => new Dictionary<string, string> { ["y"] = "3" });

        Assert.Equal(["config_change_0000000001", "config_change_0000000002"], await broker.Tree.ChildrenAsync("/config/changes"));
    }

    [Fact]
    public async Task The_configuration_of_a_deleted_topic_does_not_come_back()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        await broker.CreateAsync(Topic("t", 1, configs: new() { ["a"] = "1" }));
        await broker.DeleteAsync("t");
        await broker.CreateAsync(Topic("t", 1));

        Assert.Empty(broker.Image.Topic("t")!.Config);
        IReadOnlyDictionary<string, string> only = Assert.Single(await ClusterController.ReadTopicConfigsAsync(broker.Tree)).Value;
        Assert.Empty(only);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_single_broker_needs_no_elections(bool unclean)
    {
        await using SingleBroker broker = await StartAsync(_directory);
        await broker.CreateAsync(Topic("t", 1));

        IReadOnlyList<ElectLeaderResult> results = await broker.Controller.ElectLeadersAsync([new("t", 0), new("t", 1), new("x", 0)], unclean);

        Assert.Equal([ErrorCode.ElectionNotNeeded, ErrorCode.UnknownTopicOrPartition, ErrorCode.UnknownTopicOrPartition], results.Select(r => r.Error));
        Assert.Empty(await broker.Controller.ElectLeadersAsync(null, unclean));
    }

    [Fact]
    public async Task Producer_id_blocks_never_overlap_whatever_happens()
    {
        await using (SingleBroker broker = await StartAsync(_directory))
        {
            Assert.Equal(new ProducerIdBlock(0, 999), await broker.Controller.AllocateProducerIdBlockAsync());
            ProducerIdBlock[] blocks = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => broker.Controller.AllocateProducerIdBlockAsync()));
            Assert.Equal([1000, 2000, 3000, 4000, 5000], blocks.Select(b => b.Start).Order());
            Assert.Equal("""{"version":1,"broker":7,"block_start":"5000","block_end":"5999"}""", await broker.TextAsync("/latest_producer_id_block"));
        }

        await using SingleBroker again = await StartAsync(_directory);
        Assert.Equal(new ProducerIdBlock(6000, 6999), await again.Controller.AllocateProducerIdBlockAsync());
    }
}
