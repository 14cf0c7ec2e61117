using System.Collections.Concurrent;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Consumers of one group share the partitions, and take over from one that died.</summary>
public sealed class GroupTests : IAsyncLifetime
{
    private const int Partitions = 4;

    private BrokerProcess _broker = null!;

    public async Task InitializeAsync()
    {
        _broker = await BrokerProcess.StartAsync();
        await new ConfluentDotnet().CreateTopicAsync(_broker.Bootstrap, "shared", Partitions);
    }

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Theory]
    [InlineData(2, new[] { 2, 2 })]
    [InlineData(4, new[] { 1, 1, 1, 1 })]
    [InlineData(5, new[] { 0, 1, 1, 1, 1 })]
    public async Task Members_share_the_partitions_evenly(int members, int[] expected)
    {
        var group = new ConsumerGroup(_broker.Bootstrap, "shared", members);
        await group.UntilAsync(counts => counts.Order().SequenceEqual(expected));
        await group.StopAsync();
    }

    [Fact]
    public async Task A_member_that_vanishes_gives_its_partitions_to_the_others()
    {
        var group = new ConsumerGroup(_broker.Bootstrap, "shared", 3);
        await group.UntilAsync(counts => counts.Order().SequenceEqual([1, 1, 2]));
        // No LeaveGroup: the broker has to notice by the missing heartbeats.
        group.Vanish(0);
        await group.UntilAsync(counts => counts.Order().SequenceEqual([2, 2]));
        await group.StopAsync();
        Assert.Contains("rebalances after generation", _broker.Log, StringComparison.Ordinal);
    }

    /// <summary>Several consumers, each on a thread of its own, that report what they are assigned.</summary>
    private sealed class ConsumerGroup
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

        private readonly ConcurrentDictionary<int, int> _assigned = new();
        private readonly List<CancellationTokenSource> _stops = [];
        private readonly List<Task> _loops = [];
        private readonly ConcurrentDictionary<int, bool> _vanished = new();

        public ConsumerGroup(string bootstrap, string topic, int members)
        {
            string group = $"group-{Guid.NewGuid():N}";
            for (int i = 0; i < members; i++)
            {
                var stop = new CancellationTokenSource();
                _stops.Add(stop);
                int index = i;
                _assigned[index] = 0;
                _loops.Add(Task.Factory.StartNew(() => Consume(bootstrap, topic, group, index, stop.Token), TaskCreationOptions.LongRunning));
            }
        }

        public async Task UntilAsync(Func<IEnumerable<int>, bool> condition)
        {
            for (var started = DateTime.UtcNow; DateTime.UtcNow - started < Patience; await Task.Delay(50))
            {
                if (condition(_assigned.Values))
                {
                    return;
                }
            }

            Assert.Fail($"the members have {string.Join(", ", _assigned.Values)} partitions");
        }

        public void Vanish(int index)
        {
            _vanished[index] = true;
            _assigned.TryRemove(index, out _);
        }

        public async Task StopAsync()
        {
            foreach (CancellationTokenSource stop in _stops)
            {
                await stop.CancelAsync();
            }

            await Task.WhenAll(_loops);
        }

        private void Consume(string bootstrap, string topic, string group, int index, CancellationToken stop)
        {
            // max.poll.interval ends the heartbeats of a consumer that no longer polls, which is how one vanishes without a word.
            var config = new ConsumerConfig
            {
                BootstrapServers = bootstrap,
                GroupId = group,
                SessionTimeoutMs = 6000,
                MaxPollIntervalMs = 6000,
                HeartbeatIntervalMs = 500,
            };
            using IConsumer<Ignore, Ignore> consumer = new ConsumerBuilder<Ignore, Ignore>(config)
                .SetPartitionsAssignedHandler((_, partitions) => Set(index, partitions.Count))
                .SetPartitionsRevokedHandler((_, _) => Set(index, 0))
                .Build();
            consumer.Subscribe(topic);
            while (!stop.IsCancellationRequested && !_vanished.ContainsKey(index))
            {
                consumer.Consume(100);
            }

            while (!stop.IsCancellationRequested)
            {
                stop.WaitHandle.WaitOne(1000);
            }

            consumer.Close();
        }

        private void Set(int index, int count)
        {
            if (!_vanished.ContainsKey(index))
            {
                _assigned[index] = count;
            }
        }
    }
}
