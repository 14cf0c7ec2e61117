namespace Broker.Server.Tests;

/// <summary>What a fetch is told of its partitions: everything, but each partition only when something happened to it.</summary>
public sealed class FetchWatchTests
{
    private readonly FetchWatch _watch = new(0);

    [Fact]
    public void Due_are_those_that_were_marked_or_put_back_and_the_served_go_last()
    {
        FetchTarget[] targets = [.. Enumerable.Range(0, 4).Select(Target)];
        _watch.Mark(targets[2], 0);
        _watch.Mark(targets[0], 0);
        _watch.Mark(targets[2], 0);
        Assert.Equal([targets[2], targets[0]], _watch.Take());
        Assert.Empty(_watch.Take());

        _watch.Mark(targets[3], 0);
        _watch.Mark(targets[0], 0);
        _watch.PutBack([targets[0], targets[1]], [targets[2], targets[3]]);
        Assert.Equal([targets[1], targets[3], targets[0], targets[2]], _watch.Take());
    }

    [Fact]
    public void What_the_reader_forgot_is_not_due()
    {
        FetchTarget target = Target(0);
        _watch.Mark(target, 0);
        _watch.Forget(target);
        Assert.Empty(_watch.Take());
    }

    [Fact]
    public void Waiting_ends_when_enough_bytes_were_marked_or_found()
    {
        FetchTarget target = Target(0);
        Task enough = _watch.Expect(100).Ended;
        _watch.Mark(target, 60);
        Assert.False(enough.IsCompleted);
        _watch.Mark(target, 0);
        _watch.Found(39);
        Assert.False(enough.IsCompleted);
        _watch.Mark(target, long.MaxValue);
        Assert.True(enough.IsCompleted);
        Assert.False(_watch.Expect(1).Ended.IsCompleted);
    }

    /// <summary>Writers mark after they wrote, the reader takes before it reads: whatever the timing, it ends up knowing everything, and never waits for what is there.</summary>
    [Fact]
    public async Task Nothing_that_happens_is_missed()
    {
        const int Writers = 4, PerWriter = 20_000, Count = 16;
        FetchTarget[] targets = [.. Enumerable.Range(0, Count).Select(Target)];
        long[] written = new long[Count], read = new long[Count];
        Task[] writing = [.. Enumerable.Range(0, Writers).Select(w => Task.Run(() =>
        {
            var random = new Random(w);
            for (int i = 0; i < PerWriter; i++)
            {
                int at = random.Next(Count);
                Interlocked.Increment(ref written[at]);
                _watch.Mark(targets[at], 1);
            }
        }))];
        while (read.Sum() < Writers * PerWriter)
        {
            Task enough = _watch.Expect(1).Ended;
            List<FetchTarget> due = _watch.Take();
            foreach (FetchTarget target in due)
            {
                read[target.Partition] = Volatile.Read(ref written[target.Partition]);
            }

            // Some are found not to be at rest.
            _watch.PutBack([.. due.Where(t => t.Partition % 5 == 0)], []);
            if (due.Count == 0)
            {
                await enough.WaitAsync(TimeSpan.FromSeconds(30));
            }
        }

        await Task.WhenAll(writing);
        Assert.Equal(written, read);
    }

    private FetchTarget Target(int partition) => new("t", Guid.Empty, partition, _watch);
}
