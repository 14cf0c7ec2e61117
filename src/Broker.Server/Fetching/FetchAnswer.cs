using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Storage;

namespace Broker.Server;

/// <summary>Builds Fetch responses: groups partitions by topic, leaves out what an incremental session knows already, converts for old versions.</summary>
internal sealed class FetchAnswer(BrokerServices services)
{
    private readonly FetchDownConversion _downConversion = new(services);

    public FetchResponse Build(short version, FetchPlan plan, IReadOnlyList<TargetRead> reads)
    {
        var topics = new List<FetchResponse.FetchableTopicResponse>();
        var partitions = new List<FetchResponse.PartitionData>();
        FetchTarget? previous = null;
        foreach ((FetchTarget target, PartitionRead found) in reads)
        {
            PartitionRead read = _downConversion.Apply(version, target, found);
            if (plan.IsIncremental && !target.IsNews(read))
            {
                continue;
            }

            target.OnSent(read);
            if (previous is not null && !SameTopic(previous, target))
            {
                topics.Add(Topic(previous, partitions));
                partitions = [];
            }

            partitions.Add(ToData(version, target, read));
            previous = target;
        }

        if (previous is not null)
        {
            topics.Add(Topic(previous, partitions));
        }

        return new FetchResponse { SessionId = plan.SessionId, Responses = topics };
    }

    private static bool SameTopic(FetchTarget a, FetchTarget b) => a.TopicId == b.TopicId && a.Topic == b.Topic;

    private static FetchResponse.FetchableTopicResponse Topic(FetchTarget target, List<FetchResponse.PartitionData> partitions) =>
        new() { Topic = target.Topic ?? "", TopicId = target.TopicId, Partitions = partitions };

    private static FetchResponse.PartitionData ToData(short version, FetchTarget target, in PartitionRead read)
    {
        var data = new FetchResponse.PartitionData
        {
            PartitionIndex = target.Partition,
            // Before v6 clients do not know the storage error and would give up; "not leader" makes them look again.
            ErrorCode = read.Error == ErrorCode.KafkaStorageError && version <= 5 ? ErrorCode.NotLeaderOrFollower : read.Error,
            HighWatermark = read.HighWatermark,
            LastStableOffset = read.LastStableOffset,
            LogStartOffset = read.LogStartOffset,
            PreferredReadReplica = read.PreferredReplica ?? -1,
            Records = read.Records,
            AbortedTransactions = ToAborted(read.Aborted),
        };
        if (read.DivergingEpoch is { } diverging)
        {
            data.DivergingEpoch = new() { Epoch = diverging.Epoch, EndOffset = diverging.EndOffset };
        }

        if (read.CurrentLeader is { } leader)
        {
            data.CurrentLeader = new() { LeaderId = leader.LeaderId, LeaderEpoch = leader.LeaderEpoch };
        }

        return data;
    }

    private static WireArray<FetchResponse.AbortedTransaction> ToAborted(IReadOnlyList<AbortedTransaction>? aborted)
    {
        if (aborted is null)
        {
            return WireArray<FetchResponse.AbortedTransaction>.Null;
        }

        var list = new FetchResponse.AbortedTransaction[aborted.Count];
        for (int i = 0; i < list.Length; i++)
        {
            list[i] = new() { ProducerId = aborted[i].ProducerId, FirstOffset = aborted[i].FirstOffset };
        }

        return list;
    }
}
