using Broker.Cluster;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>The fetchers of this broker, one for each leader it follows. Called by the one thread that applies controller decisions.</summary>
internal sealed class ReplicaFetchers(
    int self, Func<long> brokerEpoch, MetadataStore metadata, PeerOptions peers, FetcherOptions options, TimeProvider time, ILogger<ReplicaFetchers> logger) : IAsyncDisposable
{
    private readonly Dictionary<int, LeaderFetcher> _byLeader = [];

    public async Task FollowAsync(Partition partition, int leader, int leaderEpoch)
    {
        await StopAsync(partition.TopicPartition, except: leader).ConfigureAwait(false);
        if (!_byLeader.TryGetValue(leader, out LeaderFetcher? fetcher))
        {
            _byLeader[leader] = fetcher = new LeaderFetcher(leader, self, brokerEpoch, metadata, peers, options, time, logger);
        }

        fetcher.Add(partition, leaderEpoch);
        InterBrokerLog.Follows(logger, partition.TopicPartition, leader, leaderEpoch, partition.Log.LogEndOffset);
    }

    public async Task StopAsync(TopicPartition partition, int except = -1)
    {
        foreach ((int leader, LeaderFetcher fetcher) in _byLeader.ToArray())
        {
            if (leader != except && fetcher.Remove(partition) && fetcher.IsEmpty)
            {
                _byLeader.Remove(leader);
                await fetcher.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (LeaderFetcher fetcher in _byLeader.Values)
        {
            await fetcher.DisposeAsync().ConfigureAwait(false);
        }

        _byLeader.Clear();
    }
}
