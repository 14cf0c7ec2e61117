using System.Text.Json;
using Broker.Protocol;

namespace Broker.Cluster;

// A request to delete a topic, /admin/delete_topics/T, is an empty node and needs no codec.

/// <summary><c>/admin/preferred_replica_election</c>: partitions that an old tool wants led by their first replica.</summary>
internal static class PreferredElectionZnode
{
    public static byte[] Encode(IReadOnlyList<TopicPartition> partitions) => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 1);
        w.WriteStartArray("partitions");
        foreach (TopicPartition partition in partitions)
        {
            w.WriteStartObject();
            w.WriteString("topic", partition.Topic);
            w.WriteNumber("partition", partition.Partition);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    });

    public static IReadOnlyList<TopicPartition> Decode(byte[] data) => ZnodeJson.Read(ZnodePaths.PreferredElection, data, e =>
    {
        var partitions = new List<TopicPartition>();
        foreach (JsonElement partition in e.Required("partitions").EnumerateArray())
        {
            partitions.Add(new TopicPartition(partition.Text("topic"), partition.Int("partition")));
        }

        return partitions;
    });
}

/// <summary><c>/admin/reassign_partitions</c>: replicas that partitions shall have.</summary>
internal static class ReassignmentZnode
{
    public static byte[] Encode(IReadOnlyDictionary<TopicPartition, int[]> replicas) => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 1);
        w.WriteStartArray("partitions");
        foreach ((TopicPartition partition, int[] brokers) in replicas.OrderBy(r => r.Key))
        {
            w.WriteStartObject();
            w.WriteString("topic", partition.Topic);
            w.WriteNumber("partition", partition.Partition);
            w.WriteIntArray("replicas", brokers);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    });

    public static IReadOnlyDictionary<TopicPartition, int[]> Decode(byte[] data) => ZnodeJson.Read(ZnodePaths.Reassignment, data, e =>
    {
        var replicas = new Dictionary<TopicPartition, int[]>();
        foreach (JsonElement partition in e.Required("partitions").EnumerateArray())
        {
            replicas[new TopicPartition(partition.Text("topic"), partition.Int("partition"))] = partition.Required("replicas").IntArray();
        }

        return replicas;
    });
}
