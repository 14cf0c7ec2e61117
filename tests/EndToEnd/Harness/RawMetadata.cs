namespace Broker.EndToEnd;

/// <summary>What one broker tells of the cluster. Clients ask whichever broker they like, and each hears of changes at its own time.</summary>
/// <param name="Brokers">The ids that it lists.</param>
/// <param name="Partitions">Of the topic that was asked for; none when it does not know it.</param>
internal sealed record RawMetadata(int[] Brokers, RawPartition[] Partitions)
{
    private const short Metadata = 3, Version = 7;

    /// <param name="topic">Null for none.</param>
    public static async Task<RawMetadata> AskAsync(ClusterMember member, string? topic = null)
    {
        using RawConnection connection = await RawConnection.OpenAsync(member.Address, member.Port, TimeSpan.FromSeconds(30));
        var answer = new ResponseBytes(await connection.AskAsync(Request(1, topic)));
        answer.Int32();
        return Read(answer);
    }

    public static byte[] Request(int correlationId, string? topic)
    {
        RequestBytes request = RequestBytes.Request(Metadata, Version, correlationId);
        return (topic is null ? request.Int32(0) : request.Int32(1).String(topic)).Int8(0).ToArray();
    }

    /// <summary>After the correlation id.</summary>
    public static RawMetadata Read(ResponseBytes answer)
    {
        answer.Int32();
        int[] brokers = new int[answer.Int32()];
        for (int i = 0; i < brokers.Length; i++)
        {
            (brokers[i], _, _, _) = (answer.Int32(), answer.String(), answer.Int32(), answer.String());
        }

        (_, _, int topics) = (answer.String(), answer.Int32(), answer.Int32());
        var partitions = new List<RawPartition>();
        for (; topics > 0; topics--)
        {
            (_, _, _, int count) = (answer.Int16(), answer.String(), answer.Bool(), answer.Int32());
            for (; count > 0; count--)
            {
                (_, int index, int leader, int epoch, _, int[] isr, _) = (answer.Int16(), answer.Int32(), answer.Int32(), answer.Int32(), answer.Int32s(), answer.Int32s(), answer.Int32s());
                partitions.Add(new RawPartition(index, leader, epoch, isr));
            }
        }

        return new RawMetadata(brokers, [.. partitions.OrderBy(p => p.Index)]);
    }
}

/// <param name="Index">Number in its topic.</param>
/// <param name="Leader">-1 for nobody.</param>
/// <param name="Epoch">Leader epoch.</param>
/// <param name="Isr">Replicas in sync.</param>
internal sealed record RawPartition(int Index, int Leader, int Epoch, int[] Isr);
