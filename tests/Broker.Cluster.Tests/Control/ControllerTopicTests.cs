using Broker.Protocol;
using static Broker.Cluster.Tests.SingleBroker;

namespace Broker.Cluster.Tests;

/// <summary>Creating, growing and deleting topics.</summary>
public sealed class ControllerTopicTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_created_topic_is_written_served_and_then_shown()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        broker.Host.Calls.Clear();

        CreateTopicResult result = await broker.CreateAsync(Topic("t", 2, 1, configs: new() { ["retention.ms"] = "5" }));

        Assert.Equal((ErrorCode.None, null, 2, 1), (result.Error, result.Message, result.PartitionCount, result.ReplicationFactor));
        Assert.Equal(["apply t 0:7@0 1:7@0", "metadata t/2"], broker.Host.Calls);
        TopicImage topic = broker.Image.Topic("t")!;
        Assert.Same(topic, broker.Image.Topic(result.TopicId));
        Assert.All(topic.Partitions, p => Assert.Equal((7, 0, 0), (p.Leader, p.LeaderEpoch, p.PartitionEpoch)));
        Assert.Equal("5", topic.Config["retention.ms"]);
        Assert.Equal("""{"version":1,"config":{"retention.ms":"5"}}""", await broker.TextAsync("/config/topics/t"));
        Assert.Equal(
            $$"""{"version":3,"partitions":{"0":[7],"1":[7]},"adding_replicas":{},"removing_replicas":{},"topic_id":"{{Uuids.ToText(result.TopicId)}}"}""",
            await broker.TextAsync("/brokers/topics/t"));
        Assert.Equal("""{"controller_epoch":1,"leader":7,"version":1,"leader_epoch":0,"isr":[7]}""", await broker.TextAsync("/brokers/topics/t/partitions/1/state"));
        Assert.True((await broker.Tree.ExistsAsync("/config/topics/t"))!.Czxid <= (await broker.Tree.ExistsAsync("/brokers/topics/t"))!.Czxid);
    }

    [Fact]
    public async Task Defaults_apply_and_the_configuration_is_written_even_when_empty()
    {
        await using SingleBroker broker = await StartAsync(_directory);

        Assert.Equal(3, (await broker.CreateAsync(Topic("t"))).PartitionCount);
        Assert.Equal("""{"version":1,"config":{}}""", await broker.TextAsync("/config/topics/t"));
        Assert.Equal(2, (await broker.CreateAsync(Topic("m", assignment: new() { [0] = [7], [1] = [7] }))).PartitionCount);
    }

    [Fact]
    public async Task Each_topic_of_a_request_succeeds_or_fails_by_itself()
    {
        await using SingleBroker broker = await StartAsync(_directory);

        IReadOnlyList<CreateTopicResult> results = await broker.Controller.CreateTopicsAsync([Topic("a"), Topic("a"), Topic("b", 0), Topic("c")], validateOnly: false);

        Assert.Equal([ErrorCode.None, ErrorCode.TopicAlreadyExists, ErrorCode.InvalidPartitions, ErrorCode.None], results.Select(r => r.Error));
        Assert.Equal("Topic 'a' already exists.", results[1].Message);
        Assert.Equal(["a", "c"], broker.Image.Topics.Select(t => t.Name).Order());
    }

    [Fact]
    public async Task Validation_alone_changes_nothing()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        string before = await broker.Tree.DumpAsync();
        MetadataImage image = broker.Image;

        CreateTopicResult result = await broker.CreateAsync(Topic("t", 2), validateOnly: true);
        await broker.Controller.CreatePartitionsAsync([new NewPartitions("t", 4, null)], validateOnly: true);

        Assert.Equal((ErrorCode.None, Guid.Empty, 2, 1), (result.Error, result.TopicId, result.PartitionCount, result.ReplicationFactor));
        Assert.Same(image, broker.Image);
        Assert.Equal(before, await broker.Tree.DumpAsync());
        Assert.Equal(ErrorCode.InvalidPartitions, (await broker.CreateAsync(Topic("t", 0), validateOnly: true)).Error);
    }

    [Fact]
    public async Task A_deleted_topic_disappears_everywhere_and_its_namesake_has_another_id()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        Guid id = (await broker.CreateAsync(Topic("t", 2))).TopicId;
        broker.Host.Calls.Clear();

        DeleteTopicResult result = await broker.DeleteAsync("t");

        Assert.Equal(new DeleteTopicResult("t", id, ErrorCode.None, null), result);
        Assert.Equal(["metadata", "stop t-0 t-1 delete"], broker.Host.TakeCalls());
        Assert.Null(broker.Image.Topic(id));
        Assert.Null(await broker.Tree.ExistsAsync("/brokers/topics/t"));
        Assert.Null(await broker.Tree.ExistsAsync("/config/topics/t"));
        Assert.Empty(await broker.Tree.ChildrenAsync("/admin/delete_topics"));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await broker.DeleteAsync("t")).Error);

        CreateTopicResult again = await broker.CreateAsync(Topic("t", 1));
        Assert.NotEqual(id, again.TopicId);
        Assert.Equal(0, broker.Image.Topic("t")!.Partitions[0].LeaderEpoch);
    }

    [Fact]
    public async Task Deletion_by_id_does_not_touch_a_namesake()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        Guid old = (await broker.CreateAsync(Topic("t", 1))).TopicId;
        await broker.DeleteAsync("t");
        Guid id = (await broker.CreateAsync(Topic("t", 1))).TopicId;

        Assert.Equal((null, old, ErrorCode.UnknownTopicId), Parts(Assert.Single(await broker.Controller.DeleteTopicsByIdAsync([old]))));
        Assert.NotNull(broker.Image.Topic("t"));
        Assert.Equal(("t", id, ErrorCode.None), Parts(Assert.Single(await broker.Controller.DeleteTopicsByIdAsync([id]))));
        Assert.Null(broker.Image.Topic("t"));

        static (string?, Guid, ErrorCode) Parts(DeleteTopicResult result) => (result.Name, result.TopicId, result.Error);
    }

    [Fact]
    public async Task Growth_adds_partitions_and_leaves_the_others()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        Guid id = (await broker.CreateAsync(Topic("t", 1, configs: new() { ["retention.ms"] = "5" }))).TopicId;
        PartitionImage first = broker.Image.Topic("t")!.Partitions[0];
        broker.Host.Calls.Clear();

        Assert.Equal((ErrorCode.None, null), Parts(await broker.GrowAsync("t", 3)));
        Assert.Equal((ErrorCode.None, null), Parts(await broker.GrowAsync("t", 4, [7])));

        Assert.Equal(["apply t 1:7@0 2:7@0", "metadata t/3", "apply t 3:7@0", "metadata t/4"], broker.Host.Calls);
        TopicImage topic = broker.Image.Topic("t")!;
        Assert.Equal((id, "5"), (topic.Id, topic.Config["retention.ms"]));
        Assert.Same(first, topic.Partitions[0]);
        Assert.Contains("""{"0":[7],"1":[7],"2":[7],"3":[7]}""", await broker.TextAsync("/brokers/topics/t"), StringComparison.Ordinal);
        Assert.Equal((ErrorCode.InvalidPartitions, "Topic already has 4 partitions."), Parts(await broker.GrowAsync("t", 4)));
        Assert.Equal((ErrorCode.InvalidPartitions, "Topic currently has 4 partitions, which is higher than the requested 2."), Parts(await broker.GrowAsync("t", 2)));
        Assert.Equal((ErrorCode.UnknownTopicOrPartition, "The topic 'x' does not exist."), Parts(await broker.GrowAsync("x", 2)));

        static (ErrorCode, string?) Parts(CreatePartitionsResult result) => (result.Error, result.Message);
    }

    [Fact]
    public async Task A_topic_of_thousands_of_partitions_lives_and_dies()
    {
        await using (SingleBroker broker = await StartAsync(_directory))
        {
            Assert.Equal(ErrorCode.None, (await broker.CreateAsync(Topic("big", 3000))).Error);
            Assert.Equal(ErrorCode.None, (await broker.GrowAsync("big", 4000)).Error);
        }

        await using SingleBroker again = await StartAsync(_directory);
        Assert.Equal(4000, again.Image.Topic("big")!.Partitions.Count(p => p.LeaderEpoch == 1));
        Assert.Equal(ErrorCode.None, (await again.DeleteAsync("big")).Error);
        Assert.Empty(await again.Tree.ChildrenAsync("/brokers/topics"));
    }

    [Fact]
    public async Task A_creation_that_failed_halfway_is_completed_by_the_next_try()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        broker.Host.NextFailure = new IOException("no more file handles");

        await Assert.ThrowsAsync<IOException>(() => broker.CreateAsync(Topic("t", 2)));
        Assert.Null(broker.Image.Topic("t"));

        Assert.Equal(ErrorCode.TopicAlreadyExists, (await broker.CreateAsync(Topic("t", 2))).Error);
        Assert.Equal(2, broker.Image.Topic("t")!.Partitions.Count);
    }

    [Fact]
    public async Task A_deletion_that_failed_halfway_blocks_the_name_until_it_is_done()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        await broker.CreateAsync(Topic("t", 1));
        broker.Host.NextFailure = new IOException("the directory is gone");

        await Assert.ThrowsAsync<IOException>(() => broker.DeleteAsync("t"));
        Assert.Null(broker.Image.Topic("t"));
        CreateTopicResult refused = await broker.CreateAsync(Topic("t", 1));
        Assert.Equal((ErrorCode.TopicAlreadyExists, "Topic 't' is marked for deletion."), (refused.Error, refused.Message));

        Assert.Equal(ErrorCode.None, (await broker.DeleteAsync("t")).Error);
        Assert.Equal(ErrorCode.None, (await broker.CreateAsync(Topic("t", 1))).Error);
    }

    [Fact]
    public async Task A_full_disk_refuses_and_the_next_try_succeeds()
    {
        bool full = false;
        await using SingleBroker broker = await StartAsync(_directory, beforeStep: step =>
        {
            if (full && step == TreeFileStep.AppendWrite)
            {
                throw new IOException("No space left on device");
            }
        });

        full = true;
        CoordinationException refusal = await Assert.ThrowsAsync<CoordinationException>(() => broker.CreateAsync(Topic("t", 1)));
        Assert.Equal(CoordinationError.StoreFailed, refusal.Error);
        Assert.Null(broker.Image.Topic("t"));
        full = false;
        Assert.Equal(ErrorCode.None, (await broker.CreateAsync(Topic("t", 1))).Error);
    }

    [Fact]
    public async Task A_controller_that_lost_its_office_changes_nothing()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        await broker.Tree.SetAsync("/controller_epoch", Trees.Bytes("2"));
        string before = await broker.Tree.DumpAsync();

        CoordinationException refusal = await Assert.ThrowsAsync<CoordinationException>(() => broker.CreateAsync(Topic("t", 1)));

        Assert.Equal((CoordinationError.BadVersion, "/controller_epoch"), (refusal.Error, refusal.Path));
        Assert.Equal(before, await broker.Tree.DumpAsync());
        Assert.Null(broker.Image.Topic("t"));
    }

    [Fact]
    public async Task Concurrent_requests_are_decided_one_after_the_other()
    {
        await using SingleBroker broker = await StartAsync(_directory);

        CreateTopicResult[] results = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => broker.CreateAsync(Topic($"t{i % 5}", 1)))));

        Assert.Equal(5, results.Count(r => r.Error == ErrorCode.None));
        Assert.Equal(15, results.Count(r => r.Error == ErrorCode.TopicAlreadyExists));
        Assert.Equal(5, broker.Image.Topics.Count());
    }

    [Fact]
    public async Task A_stopping_controller_finishes_what_it_took_and_takes_no_more()
    {
        await using SingleBroker broker = await StartAsync(_directory);
        Task<CreateTopicResult> taken = broker.CreateAsync(Topic("t", 1));

        await broker.Controller.DisposeAsync();

        Assert.Equal(ErrorCode.None, (await taken).Error);
        await Assert.ThrowsAsync<InvalidOperationException>(() => broker.CreateAsync(Topic("u", 1)));
    }

    /// <summary>A topic of three chunks is created, grown and deleted; the process is killed after every change of the tree, and the next start makes sense of it.</summary>
    [Fact]
    public async Task Killed_after_any_change_the_next_start_has_each_topic_whole_or_not_at_all()
    {
        var lengths = new List<long>();
        await using (SingleBroker broker = await StartAsync(_directory, beforeStep: step =>
        {
            if (step == TreeFileStep.AppendWrite)
            {
                lengths.Add(new FileInfo(_directory.LogFile).Length);
            }
        }))
        {
            await broker.CreateAsync(Topic("small", 2, configs: new() { ["retention.ms"] = "5" }));
            await broker.CreateAsync(Topic("big", 1200));
            await broker.GrowAsync("big", 1900);
            await broker.DeleteAsync("big");
        }

        foreach (long length in lengths)
        {
            using TemporaryDirectory copy = _directory.Copy();
            using (FileStream log = File.Open(copy.LogFile, FileMode.Open))
            {
                log.SetLength(length);
            }

            await using SingleBroker next = await StartAsync(copy);
            Assert.All(next.Image.Topics, t => Assert.Contains(t.Partitions.Count, (int[])[2, 1200, 1900]));
            Assert.All(next.Image.Topics.SelectMany(t => t.Partitions), p => Assert.Equal(7, p.Leader));
            foreach (string topic in (string[])["small", "big"])
            {
                CreateTopicResult created = await next.CreateAsync(Topic(topic, 1));
                Assert.True(created.Error is ErrorCode.None or ErrorCode.TopicAlreadyExists, $"{topic} at {length}: {created.Error} {created.Message}");
                if (next.Image.Topic(topic)!.Partitions.Count == 1200)
                {
                    Assert.Equal(ErrorCode.None, (await next.GrowAsync(topic, 1900)).Error);
                }

                Assert.Equal(ErrorCode.None, (await next.DeleteAsync(topic)).Error);
            }
        }
    }
}
