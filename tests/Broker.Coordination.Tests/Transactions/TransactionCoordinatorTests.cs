using Broker.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Coordination.Tests.Transactions;

public sealed class TransactionCoordinatorTests
{
    private static readonly TopicPartition One = new("t", 1);

    [Fact]
    public async Task A_decision_that_a_restart_interrupted_is_carried_out_after_it()
    {
        var log = new MemoryLog { PartitionCount = 1 };
        await using (TransactionCoordinator first = Create(log, new Markers { IsBroken = true }))
        {
            first.Start();
            await first.LoadAsync(0, 1);
            Assert.Equal(ErrorCode.None, (await first.AskAsync("a", (shard, call, now, fx) => shard.InitProducer("a", 60_000, -1, -1, 5, call, now, fx))).Error);
            Assert.Equal(ErrorCode.None, (await first.AskAsync("a", (shard, call, now, fx) => shard.AddPartitions("a", 5, 0, [One], false, 0, call, now, fx))).Error);
            Assert.Equal(ErrorCode.None, (await first.AskAsync("a", (shard, call, now, fx) => shard.End("a", 5, 0, true, 0, 6, call, now, fx))).Error);
        }
        while (log.CommitQuestions.Wait(0))
        {
        }

        var markers = new Markers();
        await using TransactionCoordinator second = Create(log, markers);
        await second.LoadAsync(0, 2);
        Assert.False(markers.First.Task.IsCompleted);

        // What it has read may still get lost with it: it asks again until it cannot.
        log.IsCommitted = false;
        second.Start();
        Assert.True(await log.CommitQuestions.WaitAsync(TimeSpan.FromSeconds(30)) && await log.CommitQuestions.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.False(markers.First.Task.IsCompleted);
        log.IsCommitted = true;
        MarkerWork work = await markers.First.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(work.IsCommit);
        Assert.Equal(2, work.CoordinatorEpoch);
        Assert.Equal(One, Assert.Single(work.Partitions));
    }

    private static TransactionCoordinator Create(MemoryLog log, Markers markers) =>
        new(log, markers, new TransactionSettings(), 4096, TimeProvider.System, NullLoggerFactory.Instance);

    private sealed class Markers : ITransactionMarkers
    {
        public bool IsBroken { get; init; }

        public TaskCompletionSource<MarkerWork> First { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<IReadOnlyCollection<TopicPartition>> WriteAsync(MarkerWork work)
        {
            First.TrySetResult(work);
            return Task.FromResult<IReadOnlyCollection<TopicPartition>>(IsBroken ? [] : work.Partitions.ToArray());
        }
    }
}
