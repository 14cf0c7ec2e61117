using Broker.Protocol.Messages;

namespace Broker.Coordination;

/// <content>TxnOffsetCommit.</content>
public sealed partial class GroupCoordinator
{
    private const short TxnCommitKnowsLoading = 2;

    /// <summary>
    /// Versions 0 to 5. <paramref name="verify"/> is told the group's partition of __consumer_offsets and says whether it belongs to the transaction.
    /// Waits until the offsets are in the log; they count once the transaction commits.
    /// </summary>
    public async ValueTask<TxnOffsetCommitResponse> TxnOffsetCommitAsync(TxnOffsetCommitRequest request, Func<int, ValueTask<CommitVerification>> verify, CallerInfo caller)
    {
        List<CommitEntry> entries = [];
        List<bool> known = [];
        long nowMs = _clock.Now.UnixMs;
        foreach (TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic topic in request.Topics)
        {
            bool exists = _topicExists(topic.Name);
            foreach (TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition partition in topic.Partitions)
            {
                known.Add(exists);
                if (exists)
                {
                    entries.Add(new CommitEntry(topic.Name, partition.PartitionIndex, new CommittedOffset(
                        partition.CommittedOffset, partition.CommittedLeaderEpoch, partition.CommittedMetadata ?? "", nowMs, CommittedOffset.NoExpiry)));
                }
            }
        }
        ErrorCode[] errors = entries.Count == 0 ? [] : await CommitAsync(request, [.. entries], verify).ConfigureAwait(false);
        return Answer(request, known, errors, caller.ApiVersion);
    }

    private async ValueTask<ErrorCode[]> CommitAsync(TxnOffsetCommitRequest request, CommitEntry[] entries, Func<int, ValueTask<CommitVerification>> verify)
    {
        ErrorCode refused = TryRoute(request.GroupId, isEmptyAllowed: false, out CoordinatorPartition<GroupShard>? partition);
        CommitVerification verified = default;
        if (refused == ErrorCode.None)
        {
            verified = await verify(partition!.Number).ConfigureAwait(false);
            refused = verified.Error;
        }
        var commit = new CommitInput
        {
            MemberId = request.MemberId,
            Generation = request.GenerationId,
            InstanceId = request.GroupInstanceId,
            Entries = entries,
            Producer = new TransactionalProducer(request.ProducerId, request.ProducerEpoch, verified.Token),
        };
        var call = new Call<CommitResult>();
        ValueTask<CommitResult> answer = default;
        if (refused == ErrorCode.None)
        {
            refused = TryStep(request.GroupId, isEmptyAllowed: false, (shard, now, effects) =>
            {
                shard.Commit(request.GroupId, commit, call, now, effects);
                answer = call.WaitAsync();
            });
        }
        return refused == ErrorCode.None ? (await answer.ConfigureAwait(false)).Errors : CommitResult.All(refused, entries.Length).Errors;
    }

    private static TxnOffsetCommitResponse Answer(TxnOffsetCommitRequest request, List<bool> known, ErrorCode[] errors, short version)
    {
        List<TxnOffsetCommitResponse.TxnOffsetCommitResponseTopic> topics = [];
        int asked = 0;
        int answered = 0;
        foreach (TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic topic in request.Topics)
        {
            List<TxnOffsetCommitResponse.TxnOffsetCommitResponsePartition> partitions = [];
            foreach (TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition partition in topic.Partitions)
            {
                ErrorCode error = known[asked++] ? errors[answered++] : ErrorCode.UnknownTopicOrPartition;

                // Producers from before Kafka 2.0 may end in an error that they cannot get out of when they are told that groups are being loaded.
                error = error == ErrorCode.CoordinatorLoadInProgress && version < TxnCommitKnowsLoading ? ErrorCode.CoordinatorNotAvailable : error;
                partitions.Add(new() { PartitionIndex = partition.PartitionIndex, ErrorCode = error });
            }
            topics.Add(new() { Name = topic.Name, Partitions = partitions });
        }
        return new TxnOffsetCommitResponse { Topics = topics };
    }
}
