using Broker.Protocol;
using static Broker.Cluster.Tests.SingleBroker;

namespace Broker.Cluster.Tests;

/// <summary>First start, later starts, and starts on what others left.</summary>
public sealed class ControllerStartTests : IDisposable
{
    private const string ClusterId = "AAAAAAAAAAAAAAAAAAAAAQ";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_first_start_makes_kafkas_paths_registers_and_elects()
    {
        await using SingleBroker broker = await StartAsync(_directory, ClusterId);

        foreach (string path in (string[])["/consumers", "/brokers/ids", "/brokers/topics", "/config/changes", "/admin/delete_topics", "/brokers/seqid", "/isr_change_notification", "/latest_producer_id_block", "/log_dir_event_notification", "/config/topics", "/config/clients", "/config/users", "/config/brokers", "/config/ips"])
        {
            Assert.Equal((0, 0L), (await broker.Tree.ExistsAsync(path)) is { } stat ? (stat.DataLength, stat.EphemeralOwner) : (-1, -1));
        }

        Assert.Equal($$"""{"version":"1","id":"{{ClusterId}}"}""", await broker.TextAsync("/cluster/id"));
        Assert.Equal("1", await broker.TextAsync("/controller_epoch"));
        Assert.Equal("""{"version":2,"status":1,"features":{}}""", await broker.TextAsync("/feature"));
        Assert.Equal($$"""{"version":2,"brokerid":7,"timestamp":"{{broker.Time.GetUtcNow().ToUnixTimeMilliseconds()}}","kraftControllerEpoch":-1}""", await broker.TextAsync("/controller"));
        NodeStat registration = (await broker.Tree.ExistsAsync("/brokers/ids/7"))!;
        Assert.Equal(broker.Tree.SessionId, registration.EphemeralOwner);
        Assert.Equal(broker.Tree.SessionId, (await broker.Tree.ExistsAsync("/controller"))!.EphemeralOwner);

        Assert.Equal((ClusterId, 7), (broker.Image.ClusterId, broker.Image.ControllerId));
        BrokerImage self = Assert.Single(broker.Image.Brokers);
        Assert.Equal((7, registration.Czxid, "r1"), (self.Id, self.Epoch, self.Rack));
        Assert.Equal(Endpoints["PLAINTEXT"], self.Endpoint("PLAINTEXT"));
        Assert.Equal(["metadata"], broker.Host.Calls);
    }

    [Fact]
    public async Task The_cluster_id_is_random_unless_wished_for_and_never_changes()
    {
        string id;
        await using (SingleBroker broker = await StartAsync(_directory))
        {
            id = broker.Image.ClusterId;
            Assert.True(Uuids.TryParse(id, out _));
        }

        await using SingleBroker again = await StartAsync(_directory, ClusterId);
        Assert.Equal(id, again.Image.ClusterId);
        Assert.Equal(id, await ClusterController.ResolveClusterIdAsync(again.Tree, ClusterId));
    }

    [Fact]
    public async Task A_restart_keeps_everything_and_leads_with_the_next_epoch()
    {
        TopicImage a, b;
        long brokerEpoch;
        await using (SingleBroker first = await StartAsync(_directory))
        {
            await first.CreateAsync(Topic("a", 2, configs: new() { ["retention.ms"] = "1" }));
            await first.CreateAsync(Topic("b", 1));
            await first.Controller.AlterBrokerConfigAsync("7", _ => new Dictionary<string, string> { ["log.cleaner.threads"] = "2" });
            await first.Controller.AlterBrokerConfigAsync("<default>", _ => new Dictionary<string, string> { ["num.io.threads"] = "4" });
            (a, b, brokerEpoch) = (first.Image.Topic("a")!, first.Image.Topic("b")!, first.Image.Brokers[0].Epoch);
        }

        await using SingleBroker second = await StartAsync(_directory);

        Assert.True(second.Image.Brokers[0].Epoch > brokerEpoch);
        Assert.Equal("2", await second.TextAsync("/controller_epoch"));
        TopicImage kept = second.Image.Topic("a")!;
        Assert.Equal((a.Id, 2, "1"), (kept.Id, kept.Partitions.Count, kept.Config["retention.ms"]));
        Assert.Same(kept, second.Image.Topic(a.Id));
        Assert.Equal(b.Id, second.Image.Topic("b")!.Id);
        Assert.All(kept.Partitions, p => Assert.Equal((7, 1, 1), (p.Leader, p.LeaderEpoch, p.PartitionEpoch)));
        Assert.Equal([7], kept.Partitions[1].Isr);
        Assert.Empty(kept.Partitions[1].OfflineReplicas);
        Assert.Equal("""{"controller_epoch":2,"leader":7,"version":1,"leader_epoch":1,"isr":[7]}""", await second.TextAsync("/brokers/topics/a/partitions/1/state"));
        Assert.Equal("2", second.Image.BrokerConfigs["7"]["log.cleaner.threads"]);
        Assert.Equal("4", second.Image.BrokerConfigs["<default>"]["num.io.threads"]);
        List<string> calls = second.Host.TakeCalls();
        Assert.Equal(["apply a 0:7@1 1:7@1", "apply b 0:7@1"], calls[..^1].Order());
        Assert.Equal("metadata a/2 b/1", calls[^1]);
    }

    [Fact]
    public async Task Topics_of_old_tools_get_an_id_and_their_states()
    {
        await using (SingleBroker first = await StartAsync(_directory))
        {
            await first.Tree.CreateAsync("/brokers/topics/old", Trees.Bytes("""{"version":1,"partitions":{"1":[7],"0":[7]}}"""));
        }

        Guid id;
        await using (SingleBroker second = await StartAsync(_directory))
        {
            TopicImage topic = second.Image.Topic("old")!;
            id = topic.Id;
            Assert.NotEqual(Guid.Empty, id);
            Assert.All(topic.Partitions, p => Assert.Equal((7, 0, 0), (p.Leader, p.LeaderEpoch, p.PartitionEpoch)));
            Assert.Contains(Uuids.ToText(id), await second.TextAsync("/brokers/topics/old"), StringComparison.Ordinal);
            Assert.Empty(topic.Config);
        }

        await using SingleBroker third = await StartAsync(_directory);
        Assert.Equal(id, third.Image.Topic("old")!.Id);
    }

    [Fact]
    public async Task Partitions_of_brokers_that_are_not_here_have_no_leader_and_keep_their_isr()
    {
        await using (SingleBroker first = await StartAsync(_directory))
        {
            await first.CreateAsync(Topic("t", 1));
            await first.Tree.SetAsync("/brokers/topics/t", Trees.Bytes("""{"version":3,"partitions":{"0":[1,7]},"topic_id":"AAAAAAAAAAAAAAAAAAAAAQ"}"""));
            await first.Tree.SetAsync("/brokers/topics/t/partitions/0/state", Trees.Bytes("""{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":5,"isr":[1]}"""));
        }

        await using SingleBroker second = await StartAsync(_directory);

        PartitionImage partition = second.Image.Topic("t")!.Partitions[0];
        Assert.Equal((-1, 6), (partition.Leader, partition.LeaderEpoch));
        Assert.Equal([1], partition.Isr);
        Assert.Equal([1], partition.OfflineReplicas);
    }

    [Fact]
    public async Task A_marked_topic_is_deleted_at_the_next_start()
    {
        await using (SingleBroker first = await StartAsync(_directory))
        {
            await first.CreateAsync(Topic("t", 2));
            await first.Tree.CreateAsync("/admin/delete_topics/t", default);
            await first.Tree.CreateAsync("/admin/delete_topics/unknown", default);
        }

        await using SingleBroker second = await StartAsync(_directory);

        Assert.Equal(["stop t-0 t-1 delete", "metadata"], second.Host.Calls);
        Assert.Null(await second.Tree.ExistsAsync("/brokers/topics/t"));
        Assert.Null(await second.Tree.ExistsAsync("/config/topics/t"));
        Assert.Empty(await second.Tree.ChildrenAsync("/admin/delete_topics"));
    }

    [Fact]
    public async Task A_node_that_cannot_be_understood_stops_the_start_and_is_named()
    {
        await using (SingleBroker first = await StartAsync(_directory))
        {
            await first.CreateAsync(Topic("t", 1));
            await first.Tree.SetAsync("/brokers/topics/t/partitions/0/state", Trees.Bytes("{"));
        }

        await using EmbeddedTree tree = _directory.Open();
        var store = new MetadataStore(TimeProvider.System);
        await using var controller = new ClusterController(tree, store, new RecordingHost(store), Policy, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<ClusterController>.Instance);
        InvalidDataException error = await Assert.ThrowsAsync<InvalidDataException>(() => controller.StartAsync(new BrokerRegistration(Id, null, Endpoints)));
        Assert.Contains("/brokers/topics/t/partitions/0/state", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_that_is_taken_is_refused()
    {
        await using EmbeddedTree tree = _directory.Open();
        await ClusterController.ResolveClusterIdAsync(tree, null);
        await tree.CreateAsync("/brokers", default);
        await tree.CreateAsync("/brokers/ids", default);
        await tree.CreateAsync("/brokers/ids/7", default, CreateMode.Ephemeral);
        var store = new MetadataStore(TimeProvider.System);
        await using var controller = new ClusterController(tree, store, new RecordingHost(store), Policy, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<ClusterController>.Instance);

        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => controller.StartAsync(new BrokerRegistration(Id, null, Endpoints)));
        Assert.StartsWith("Broker id 7 is registered already", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generated_broker_ids_start_above_the_reserved_ones_and_never_come_twice()
    {
        await using (EmbeddedTree tree = _directory.Open())
        {
            Assert.Equal(1001, await ClusterController.NextBrokerIdAsync(tree, 1000));
            Assert.Equal(1002, await ClusterController.NextBrokerIdAsync(tree, 1000));
        }

        await using EmbeddedTree again = _directory.Open();
        Assert.Equal(1003, await ClusterController.NextBrokerIdAsync(again, 1000));
    }
}
