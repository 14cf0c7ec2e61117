using System.Collections.Immutable;
using System.Text.Json;
using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>
/// <c>/brokers/topics/T</c>: written in form 3, read from form 1 on. Form 1 has the replicas of each partition, 2 adds running reassignments, 3 the
/// topic's id, which is empty here for nodes that old tools wrote.
/// </summary>
internal sealed record TopicZnode(Guid TopicId, IReadOnlyList<int[]> Replicas)
{
    /// <summary>Replicas being added, by partition; kept through a rewrite.</summary>
    public IReadOnlyDictionary<int, int[]> Adding { get; init; } = ImmutableSortedDictionary<int, int[]>.Empty;

    /// <summary>Replicas being removed, by partition; kept through a rewrite.</summary>
    public IReadOnlyDictionary<int, int[]> Removing { get; init; } = ImmutableSortedDictionary<int, int[]>.Empty;

    /// <summary>The same with another assignment of one partition.</summary>
    public TopicZnode With(int partition, int[] replicas, int[] adding, int[] removing) => this with
    {
        Replicas = [.. Replicas.Select((r, p) => p == partition ? replicas : r)],
        Adding = With(Adding, partition, adding),
        Removing = With(Removing, partition, removing),
    };

    private static SortedDictionary<int, int[]> With(IReadOnlyDictionary<int, int[]> all, int partition, int[] replicas)
    {
        var next = new SortedDictionary<int, int[]>(all.ToDictionary());
        next.Remove(partition);
        if (replicas.Length > 0)
        {
            next[partition] = replicas;
        }

        return next;
    }

    public byte[] Encode() => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 3);
        w.WriteReplicas("partitions", Replicas.Select((brokers, partition) => KeyValuePair.Create(partition, brokers)));
        w.WriteReplicas("adding_replicas", Adding);
        w.WriteReplicas("removing_replicas", Removing);
        w.WriteString("topic_id", Uuids.ToText(TopicId));
    });

    public static TopicZnode Decode(string topic, byte[] data) => ZnodeJson.Read(ZnodePaths.Topic(topic), data, e =>
    {
        SortedDictionary<int, int[]> partitions = e.Required("partitions").Replicas();
        if (partitions.Count > 0 && partitions.Keys.Last() != partitions.Count - 1)
        {
            throw new FormatException("the partitions are not numbered from 0 without gaps");
        }

        return new TopicZnode(Id(e), [.. partitions.Values])
        {
            Adding = e.TryGetProperty("adding_replicas", out JsonElement adding) ? adding.Replicas() : ImmutableSortedDictionary<int, int[]>.Empty,
            Removing = e.TryGetProperty("removing_replicas", out JsonElement removing) ? removing.Replicas() : ImmutableSortedDictionary<int, int[]>.Empty,
        };
    });

    private static Guid Id(JsonElement e) =>
        !e.TryGetProperty("topic_id", out JsonElement text) || text.ValueKind == JsonValueKind.Null ? Guid.Empty
        : Uuids.TryParse(text.GetString(), out Guid id) ? id
        : throw new FormatException($"'{text.GetString()}' is no topic id of 22 base64 characters");
}

/// <summary><c>/brokers/topics/T/partitions/P/state</c>. The node's version is the partition epoch.</summary>
internal sealed record PartitionStateZnode(int ControllerEpoch, int Leader, int LeaderEpoch, int[] Isr)
{
    /// <summary>1 while a leader that was elected uncleanly still has to recover; written only then.</summary>
    public int LeaderRecoveryState { get; init; }

    public byte[] Encode() => ZnodeJson.Write(w =>
    {
        w.WriteNumber("controller_epoch", ControllerEpoch);
        w.WriteNumber("leader", Leader);
        w.WriteNumber("version", 1);
        w.WriteNumber("leader_epoch", LeaderEpoch);
        w.WriteIntArray("isr", Isr);
        if (LeaderRecoveryState != 0)
        {
            w.WriteNumber("leader_recovery_state", LeaderRecoveryState);
        }
    });

    public static PartitionStateZnode Decode(string path, byte[] data) => ZnodeJson.Read(path, data, e =>
        new PartitionStateZnode(e.Int("controller_epoch"), e.Int("leader"), e.Int("leader_epoch"), e.Required("isr").IntArray())
        {
            LeaderRecoveryState = e.TryGetProperty("leader_recovery_state", out JsonElement recovery) ? recovery.GetInt32() : 0,
        });
}
