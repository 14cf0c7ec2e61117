using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Broker.Coordination;

/// <summary>
/// The partitions of a coordinator's topic that this node leads. <see cref="LoadAsync"/> and <see cref="UnloadAsync"/> follow their leadership, fenced by leader
/// epoch; state is read on the thread pool, one partition at a time. Thread-safe.
/// </summary>
/// <param name="topic">For the log.</param>
/// <param name="make">A partition that is to be loaded, from its number and leader epoch.</param>
/// <param name="read">What the log has of a partition; ends early when the partition is no longer loading. Blocks on the disk.</param>
/// <param name="logger">For the log.</param>
internal sealed class CoordinatorPartitions<TShard>(
    string topic, Func<int, int, CoordinatorPartition<TShard>> make, Func<CoordinatorPartition<TShard>, TShard> read, ILogger logger)
    where TShard : class, ICoordinatorShard
{
    private readonly ConcurrentDictionary<int, CoordinatorPartition<TShard>> _byNumber = new();
    private readonly Lock _leadership = new();

    // Never disposed: a load that is being cancelled may still hold it, and it owns no handle.
    private readonly SemaphoreSlim _oneLoad = new(1);

    public ICollection<CoordinatorPartition<TShard>> All => _byNumber.Values;

    public bool TryGet(int number, [NotNullWhen(true)] out CoordinatorPartition<TShard>? partition) => _byNumber.TryGetValue(number, out partition);

    /// <summary>This node leads the partition. Ends when it is served, or refused because it could not be read. A call with an older leader epoch than one seen before does nothing.</summary>
    public async Task LoadAsync(int number, int leaderEpoch)
    {
        CoordinatorPartition<TShard> loading;
        CoordinatorPartition<TShard>? before;
        lock (_leadership)
        {
            if (_byNumber.TryGetValue(number, out before) && before.LeaderEpoch >= leaderEpoch)
            {
                return;
            }
            loading = make(number, leaderEpoch);
            _byNumber[number] = loading;
        }
        if (before is not null)
        {
            await before.CloseAsync(ErrorCode.NotCoordinator).ConfigureAwait(false);
        }
        await Task.Run(() => LoadOneAsync(loading)).ConfigureAwait(false);
    }

    /// <summary>This node no longer leads the partition (in <paramref name="leaderEpoch"/>): those who wait are sent to find the new coordinator.</summary>
    public async Task UnloadAsync(int number, int leaderEpoch)
    {
        CoordinatorPartition<TShard>? gone;
        lock (_leadership)
        {
            if (!_byNumber.TryGetValue(number, out gone) || gone.LeaderEpoch > leaderEpoch)
            {
                return;
            }
            _byNumber.TryRemove(number, out _);
        }
        CoordinationLog.Unloaded(logger, topic, number, leaderEpoch);
        await gone.CloseAsync(ErrorCode.NotCoordinator).ConfigureAwait(false);
    }

    /// <summary>Answers those who wait, and ends when the appends on their way have ended.</summary>
    public async Task CloseAsync()
    {
        await Task.WhenAll(_byNumber.Values.Select(partition => partition.CloseAsync(ErrorCode.CoordinatorNotAvailable))).ConfigureAwait(false);
        _byNumber.Clear();
    }

    private async Task LoadOneAsync(CoordinatorPartition<TShard> loading)
    {
        await _oneLoad.WaitAsync().ConfigureAwait(false);
        try
        {
            loading.Activate(read(loading));
        }
        catch (Exception e)
        {
            // Whatever it is, half a partition must not be served: members would lose what the other half says, and a decision that was not read would be taken again.
            CoordinationLog.LoadFailed(logger, topic, loading.Number, e);
            await loading.CloseAsync(ErrorCode.NotCoordinator).ConfigureAwait(false);
        }
        finally
        {
            _oneLoad.Release();
        }
    }
}
