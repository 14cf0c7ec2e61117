using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Storage;

namespace Broker.Server;

/// <summary>Builds Fetch responses: groups partitions by topic, leaves out what an incremental session knows already, converts for old versions.</summary>
internal sealed class FetchAnswer(BrokerServices services)
{
    private readonly FetchDownConversion _downConversion = new(services);

    public FetchResponse Build(short version, FetchPlan plan, PartitionRead[] reads)
    {
        var topics = new List<FetchResponse.FetchableTopicResponse>();
        var partitions = new List<FetchResponse.PartitionData>();
        List<FetchTarget>? served = null;
        FetchTarget? previous = null;
        int i = 0;
        foreach (FetchTarget target in plan.Targets)
        {
            PartitionRead read = _downConversion.Apply(version, target, reads[i++]);
            bool send = plan.Session is null || target.MustSend(read) || !plan.IsIncremental;
            if (!send)
            {
                continue;
            }

            if (previous is not null && !SameTopic(previous, target))
            {
                topics.Add(Topic(previous, partitions));
                partitions = [];
            }

            partitions.Add(ToData(version, target, read));
            previous = target;
            if (plan.Session is not null && read.Records.Length > 0)
            {
                (served ??= []).Add(target);
            }
        }

        if (previous is not null)
        {
            topics.Add(Topic(previous, partitions));
        }

        foreach (FetchTarget target in served ?? [])
        {
            plan.Session!.MoveToEnd(target);
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
