using Broker.Protocol.Messages;

namespace Broker.Coordination;

/// <content>OffsetCommit, OffsetFetch and OffsetDelete.</content>
public sealed partial class GroupCoordinator
{
    private const short FetchHasTopLevelError = 2;
    private const short FetchHasGroups = 8;

    /// <summary>Versions 1 to 9 (0 is ZooKeeper's). Waits until the offsets are in the log.</summary>
    public async ValueTask<OffsetCommitResponse> OffsetCommitAsync(OffsetCommitRequest request, CallerInfo caller)
    {
        List<CommitEntry> entries = [];
        var topics = new List<OffsetCommitResponse.OffsetCommitResponseTopic>(Math.Min(request.Topics.Count, 256));
        long nowMs = _clock.Now.UnixMs;
        foreach (OffsetCommitRequest.OffsetCommitRequestTopic topic in request.Topics)
        {
            topics.Add(Translate(topic, request, nowMs, entries));
        }
        if (entries.Count > 0)
        {
            await CommitAsync(request, entries, topics).ConfigureAwait(false);
        }
        return new OffsetCommitResponse { Topics = topics };
    }

    /// <summary>The answer for one topic, with UNKNOWN_TOPIC_OR_PARTITION where it is final; what can be committed is added to the entries.</summary>
    private OffsetCommitResponse.OffsetCommitResponseTopic Translate(
        OffsetCommitRequest.OffsetCommitRequestTopic topic, OffsetCommitRequest request, long nowMs, List<CommitEntry> entries)
    {
        bool exists = _topicExists(topic.Name);
        var partitions = new OffsetCommitResponse.OffsetCommitResponsePartition[topic.Partitions.Count];
        int i = 0;
        foreach (OffsetCommitRequest.OffsetCommitRequestPartition partition in topic.Partitions)
        {
            partitions[i++] = new OffsetCommitResponse.OffsetCommitResponsePartition
            {
                PartitionIndex = partition.PartitionIndex,
                ErrorCode = exists ? ErrorCode.None : ErrorCode.UnknownTopicOrPartition,
            };
            if (exists)
            {
                // Version 1 may say when the commit counts from, versions 2 to 4 for how long it is to be kept.
                long commitMs = partition.CommitTimestamp == -1 ? nowMs : partition.CommitTimestamp;
                long expireMs = request.RetentionTimeMs == -1 ? CommittedOffset.NoExpiry : nowMs + request.RetentionTimeMs;
                entries.Add(new CommitEntry(topic.Name, partition.PartitionIndex, new CommittedOffset(
                    partition.CommittedOffset, partition.CommittedLeaderEpoch, partition.CommittedMetadata ?? "", commitMs, expireMs)));
            }
        }
        return new OffsetCommitResponse.OffsetCommitResponseTopic { Name = topic.Name, TopicId = topic.TopicId, Partitions = partitions };
    }

    private async ValueTask CommitAsync(OffsetCommitRequest request, List<CommitEntry> entries, List<OffsetCommitResponse.OffsetCommitResponseTopic> topics)
    {
        var commit = new CommitInput
        {
            MemberId = request.MemberId,
            Generation = request.GenerationIdOrMemberEpoch,
            InstanceId = request.GroupInstanceId,
            Entries = [.. entries],
        };
        var call = new Call<CommitResult>();
        ValueTask<CommitResult> answer = default;
        ErrorCode refused = TryStep(request.GroupId, isEmptyAllowed: true, (shard, now, effects) =>
        {
            shard.Commit(request.GroupId, commit, call, now, effects);
            answer = call.WaitAsync();
        });
        ErrorCode[] errors = refused == ErrorCode.None ? (await answer.ConfigureAwait(false)).Errors : CommitResult.All(refused, entries.Count).Errors;
        int next = 0;
        for (int t = 0; t < topics.Count; t++)
        {
            OffsetCommitResponse.OffsetCommitResponsePartition[] partitions = topics[t].Partitions.ToArray();
            for (int p = 0; p < partitions.Length; p++)
            {
                if (partitions[p].ErrorCode == ErrorCode.None)
                {
                    partitions[p].ErrorCode = errors[next++];
                }
            }
            topics[t] = topics[t] with { Partitions = partitions };
        }
    }

    /// <summary>Versions 1 to 9 (0 is ZooKeeper's). Always answers at once.</summary>
    public OffsetFetchResponse OffsetFetch(OffsetFetchRequest request, CallerInfo caller)
    {
        if (caller.ApiVersion < FetchHasGroups)
        {
            return FetchOne(request, caller.ApiVersion);
        }
        List<OffsetFetchResponse.OffsetFetchResponseGroup> groups = [];
        foreach (OffsetFetchRequest.OffsetFetchRequestGroup group in request.Groups)
        {
            List<TopicPartition>? wanted = group.Topics.IsNull ? null : [];
            foreach (OffsetFetchRequest.OffsetFetchRequestTopics topic in group.Topics)
            {
                Add(wanted!, topic.Name, topic.PartitionIndexes);
            }
            ErrorCode error = Fetch(group.GroupId, wanted, request.RequireStable, out List<FetchedOffset> offsets);
            groups.Add(new OffsetFetchResponse.OffsetFetchResponseGroup { GroupId = group.GroupId, ErrorCode = error, Topics = ByTopic(offsets) });
        }
        return new OffsetFetchResponse { Groups = groups };
    }

    private OffsetFetchResponse FetchOne(OffsetFetchRequest request, short version)
    {
        List<TopicPartition>? wanted = request.Topics.IsNull ? null : [];
        foreach (OffsetFetchRequest.OffsetFetchRequestTopic topic in request.Topics)
        {
            Add(wanted!, topic.Name, topic.PartitionIndexes);
        }
        ErrorCode error = Fetch(request.GroupId, wanted, request.RequireStable, out List<FetchedOffset> offsets);
        if (error != ErrorCode.None && version < FetchHasTopLevelError)
        {
            offsets = (wanted ?? []).ConvertAll(partition => new FetchedOffset(partition, FetchedOffset.None, error));
        }
        List<OffsetFetchResponse.OffsetFetchResponseTopic> topics = [];
        foreach (OffsetFetchResponse.OffsetFetchResponseTopics topic in ByTopic(offsets))
        {
            List<OffsetFetchResponse.OffsetFetchResponsePartition> partitions = [];
            foreach (OffsetFetchResponse.OffsetFetchResponsePartitions partition in topic.Partitions)
            {
                partitions.Add(new OffsetFetchResponse.OffsetFetchResponsePartition
                {
                    PartitionIndex = partition.PartitionIndex,
                    CommittedOffset = partition.CommittedOffset,
                    CommittedLeaderEpoch = partition.CommittedLeaderEpoch,
                    Metadata = partition.Metadata,
                    ErrorCode = partition.ErrorCode,
                });
            }
            topics.Add(new OffsetFetchResponse.OffsetFetchResponseTopic { Name = topic.Name, Partitions = partitions });
        }
        return new OffsetFetchResponse { ErrorCode = error, Topics = topics };
    }

    private static void Add(List<TopicPartition> wanted, string topic, WireArray<int> indexes)
    {
        foreach (int index in indexes)
        {
            wanted.Add(new TopicPartition(topic, index));
        }
    }

    private ErrorCode Fetch(string groupId, List<TopicPartition>? wanted, bool requireStable, out List<FetchedOffset> offsets)
    {
        List<FetchedOffset> found = [];
        offsets = found;
        ErrorCode error = TryRoute(groupId, isEmptyAllowed: true, out CoordinatorPartition<GroupShard>? partition);
        return error != ErrorCode.None ? error : partition!.Read(shard => shard.Fetch(groupId, wanted, requireStable, found));
    }

    private static List<OffsetFetchResponse.OffsetFetchResponseTopics> ByTopic(List<FetchedOffset> offsets)
    {
        var topics = new OrderedDictionary<string, List<OffsetFetchResponse.OffsetFetchResponsePartitions>>(StringComparer.Ordinal);
        foreach (FetchedOffset offset in offsets)
        {
            if (!topics.TryGetValue(offset.Partition.Topic, out List<OffsetFetchResponse.OffsetFetchResponsePartitions>? partitions))
            {
                topics.Add(offset.Partition.Topic, partitions = []);
            }
            partitions.Add(new OffsetFetchResponse.OffsetFetchResponsePartitions
            {
                PartitionIndex = offset.Partition.Partition,
                CommittedOffset = offset.Value.Offset,
                CommittedLeaderEpoch = offset.Value.LeaderEpoch,
                Metadata = offset.Value.Metadata,
                ErrorCode = offset.Error,
            });
        }
        List<OffsetFetchResponse.OffsetFetchResponseTopics> result = new(topics.Count);
        foreach ((string name, List<OffsetFetchResponse.OffsetFetchResponsePartitions> partitions) in topics)
        {
            result.Add(new OffsetFetchResponse.OffsetFetchResponseTopics { Name = name, Partitions = partitions });
        }
        return result;
    }

    /// <summary>Version 0. Waits until the tombstones are in the log.</summary>
    public async ValueTask<OffsetDeleteResponse> OffsetDeleteAsync(OffsetDeleteRequest request)
    {
        List<TopicPartition> asked = [];
        List<TopicPartition> known = [];
        foreach (OffsetDeleteRequest.OffsetDeleteRequestTopic topic in request.Topics)
        {
            bool exists = _topicExists(topic.Name);
            foreach (OffsetDeleteRequest.OffsetDeleteRequestPartition partition in topic.Partitions)
            {
                var named = new TopicPartition(topic.Name, partition.PartitionIndex);
                asked.Add(named);
                if (exists)
                {
                    known.Add(named);
                }
            }
        }
        var call = new Call<DeleteOffsetsResult>();
        ValueTask<DeleteOffsetsResult> answer = default;
        ErrorCode refused = TryStep(request.GroupId, isEmptyAllowed: false, (shard, now, effects) =>
        {
            shard.DeleteOffsets(request.GroupId, [.. known], call, now, effects);
            answer = call.WaitAsync();
        });
        DeleteOffsetsResult result = refused == ErrorCode.None ? await answer.ConfigureAwait(false) : new DeleteOffsetsResult(refused, []);
        return result.Error != ErrorCode.None
            ? new OffsetDeleteResponse { ErrorCode = result.Error }
            : new OffsetDeleteResponse { Topics = Translate(asked, known, result.Errors) };
    }

    private static List<OffsetDeleteResponse.OffsetDeleteResponseTopic> Translate(List<TopicPartition> asked, List<TopicPartition> known, ErrorCode[] errors)
    {
        var topics = new OrderedDictionary<string, List<OffsetDeleteResponse.OffsetDeleteResponsePartition>>(StringComparer.Ordinal);
        int next = 0;
        foreach (TopicPartition partition in asked)
        {
            if (!topics.TryGetValue(partition.Topic, out List<OffsetDeleteResponse.OffsetDeleteResponsePartition>? partitions))
            {
                topics.Add(partition.Topic, partitions = []);
            }
            bool isKnown = next < known.Count && known[next] == partition;
            partitions.Add(new OffsetDeleteResponse.OffsetDeleteResponsePartition
            {
                PartitionIndex = partition.Partition,
                ErrorCode = isKnown ? errors[next++] : ErrorCode.UnknownTopicOrPartition,
            });
        }
        List<OffsetDeleteResponse.OffsetDeleteResponseTopic> result = new(topics.Count);
        foreach ((string name, List<OffsetDeleteResponse.OffsetDeleteResponsePartition> partitions) in topics)
        {
            result.Add(new OffsetDeleteResponse.OffsetDeleteResponseTopic { Name = name, Partitions = partitions });
        }
        return result;
    }
}
