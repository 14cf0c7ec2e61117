using System.Collections.Concurrent;
using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Broker.EndToEnd;

/// <summary>What survives a restart and a kill.</summary>
public sealed class DurabilityTests : IAsyncLifetime
{
    private BrokerProcess _broker = null!;

    public async Task InitializeAsync() => _broker = await BrokerProcess.StartAsync();

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_restart_keeps_topics_configs_records_offsets_and_groups(bool kill)
    {
        var client = new ConfluentDotnet();
        await client.CreateTopicAsync(_broker.Bootstrap, "kept", 2);
        string[] lines = [.. Enumerable.Range(0, 1000).Select(i => $"record {i}")];
        await client.ProduceAsync(_broker.Bootstrap, "kept", "lz4", lines);
        Assert.Equal(600, (await ConsumeAndCommitAsync("kept", "readers", 600)).Count);
        await AlterAsync("kept", "retention.ms", "1234567");
        string idBefore = await TopicIdAsync("kept");

        if (kill)
        {
            await _broker.KillAsync();
        }
        else
        {
            await _broker.StopAsync();
        }

        await _broker.RestartAsync();

        Assert.Equal("1234567", await ConfigAsync("kept", "retention.ms"));
        Assert.Equal(idBefore, await TopicIdAsync("kept"));
        IReadOnlyList<string> rest = await ConsumeAndCommitAsync("kept", "readers", 400);
        IReadOnlyList<string> all = await client.ConsumeAsync(_broker.Bootstrap, "kept", "new-readers", 1000);
        Assert.Equal(lines.Order(StringComparer.Ordinal), all.Order(StringComparer.Ordinal));
        Assert.Equal(400, rest.Distinct().Count());
        using IAdminClient admin = Admin();
        Assert.Contains(admin.ListGroups(TimeSpan.FromSeconds(20)), g => g.Group == "readers");
    }

    [Fact]
    public async Task A_kill_during_produce_loses_no_acknowledged_record()
    {
        await new ConfluentDotnet().CreateTopicAsync(_broker.Bootstrap, "acked", 4);
        for (int round = 0; round < 3; round++)
        {
            var acknowledged = new ConcurrentBag<string>();
            var config = new ProducerConfig { BootstrapServers = _broker.Bootstrap, EnableIdempotence = true, MessageTimeoutMs = 3000, LingerMs = 1 };
            using (IProducer<Null, string> producer = new ProducerBuilder<Null, string>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build())
            {
                var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                for (int i = 0; i < 20_000; i++)
                {
                    producer.Produce("acked", new Message<Null, string> { Value = $"{round}-{i}" }, report =>
                    {
                        if (report.Error.Code == Confluent.Kafka.ErrorCode.NoError)
                        {
                            acknowledged.Add(report.Value);
                            if (acknowledged.Count > 5000)
                            {
                                enough.TrySetResult();
                            }
                        }
                    });
                }

                await enough.Task.WaitAsync(TimeSpan.FromSeconds(30));
                await _broker.KillAsync();
                producer.Flush(TimeSpan.FromSeconds(5));
            }

            await _broker.RestartAsync();
            HashSet<string> stored = ReadAll("acked", 4);
            string[] lost = [.. acknowledged.Where(value => !stored.Contains(value))];
            Assert.True(lost.Length == 0, $"round {round}: {lost.Length} of {acknowledged.Count} acknowledged records are gone, such as {lost.FirstOrDefault()}");
        }
    }

    private Task<IReadOnlyList<string>> ConsumeAndCommitAsync(string topic, string group, int count) => new ConfluentDotnet().ConsumeAsync(_broker.Bootstrap, topic, group, count);

    private IAdminClient Admin() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _broker.Bootstrap }).Build();

    private async Task AlterAsync(string topic, string key, string value)
    {
        using IAdminClient admin = Admin();
        var resource = new ConfigResource { Type = ResourceType.Topic, Name = topic };
        await admin.IncrementalAlterConfigsAsync(new() { [resource] = [new ConfigEntry { Name = key, Value = value, IncrementalOperation = AlterConfigOpType.Set }] });
    }

    private async Task<string> ConfigAsync(string topic, string key)
    {
        using IAdminClient admin = Admin();
        var described = await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = topic }]);
        return described[0].Entries[key].Value;
    }

    private async Task<string> TopicIdAsync(string topic)
    {
        using IAdminClient admin = Admin();
        var described = await admin.DescribeTopicsAsync(TopicCollection.OfTopicNames([topic]));
        return described.TopicDescriptions[0].TopicId.ToString();
    }

    private HashSet<string> ReadAll(string topic, int partitions)
    {
        var values = new HashSet<string>(StringComparer.Ordinal);
        StoredRecords.Read(_broker.Bootstrap, topic, partitions, IsolationLevel.ReadUncommitted, result =>
        {
            string value = Encoding.UTF8.GetString(result.Message.Value);
            Assert.True(values.Add(value), $"{value} is stored twice");
        });
        return values;
    }
}
