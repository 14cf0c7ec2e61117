using Broker.Cluster;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// The fetchers of this broker: for each leader it follows as many as num.replica.fetchers says, over which the partitions are spread. Called by the one thread that applies
/// controller decisions, with <see cref="ReplicaManager"/>'s lock held.
/// </summary>
internal sealed class ReplicaFetchers(
    int self, Func<long> brokerEpoch, MetadataStore metadata, PeerOptions peers, FetcherOptions options, int count, TimeProvider time, ILogger<ReplicaFetchers> logger) : IAsyncDisposable
{
    private readonly Dictionary<(int Leader, int Number), LeaderFetcher> _fetchers = [];
    private int _count = count;

    public async Task FollowAsync(Partition partition, int leader, int leaderEpoch)
    {
        await StopAsync(partition.TopicPartition, except: (leader, Number(partition.TopicPartition))).ConfigureAwait(false);
        Add(leader, new FollowedPartition(partition, leaderEpoch));
        InterBrokerLog.Follows(logger, partition.TopicPartition, leader, leaderEpoch, partition.Log.LogEndOffset);
    }

    public Task StopAsync(TopicPartition partition) => StopAsync(partition, except: null);

    /// <summary>num.replica.fetchers has changed: partitions whose fetcher is another one now go on there.</summary>
    public async Task ResizeAsync(int count)
    {
        if (count == _count)
        {
            return;
        }

        _count = count;
        (int Leader, FollowedPartition Partition)[] all = [.. _fetchers.SelectMany(f => f.Value.RemoveAll().Select(partition => (f.Key.Leader, partition)))];
        await EndAllAsync().ConfigureAwait(false);
        foreach ((int leader, FollowedPartition partition) in all)
        {
            // A new one: the old one may still be in the hands of the loop that ended.
            Add(leader, new FollowedPartition(partition.Partition, partition.LeaderEpoch));
        }

        InterBrokerLog.Resized(logger, count);
    }

    public async ValueTask DisposeAsync() => await EndAllAsync().ConfigureAwait(false);

    private void Add(int leader, FollowedPartition partition)
    {
        (int, int) key = (leader, Number(partition.Partition.TopicPartition));
        if (!_fetchers.TryGetValue(key, out LeaderFetcher? fetcher))
        {
            _fetchers[key] = fetcher = new LeaderFetcher(leader, key.Item2, self, brokerEpoch, metadata, peers, options, time, logger);
        }

        fetcher.Add(partition);
    }

    private async Task StopAsync(TopicPartition partition, (int, int)? except)
    {
        foreach (((int, int) key, LeaderFetcher fetcher) in _fetchers.ToArray())
        {
            if (key != except && fetcher.Remove(partition) && fetcher.IsEmpty)
            {
                _fetchers.Remove(key);
                await fetcher.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task EndAllAsync()
    {
        LeaderFetcher[] ending = [.. _fetchers.Values];
        _fetchers.Clear();
        await Task.WhenAll(ending.Select(fetcher => fetcher.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    /// <summary>Partitions of one topic go to different fetchers, and each partition to the same one at every start.</summary>
    private int Number(TopicPartition partition)
    {
        uint hash = 0;
        foreach (char c in partition.Topic)
        {
            hash = (31 * hash) + c;
        }

        return (int)(((31 * hash) + (uint)partition.Partition) % (uint)_count);
    }
}
