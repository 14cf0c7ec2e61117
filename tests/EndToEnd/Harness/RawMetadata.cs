namespace Broker.EndToEnd;

/// <summary>What one broker tells of the cluster; a client with a list of its own may ask any.</summary>
internal static class RawMetadata
{
    private const short Metadata = 3;

    /// <summary>The ids that it lists.</summary>
    public static async Task<int[]> BrokersAsync(ClusterMember member)
    {
        using RawConnection connection = await RawConnection.OpenAsync(member.Address, member.Port, TimeSpan.FromSeconds(30));
        var answer = new ResponseBytes(await connection.AskAsync(RequestBytes.Request(Metadata, 1, 1).Int32(0).ToArray()));
        answer.Int32();
        int[] ids = new int[answer.Int32()];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = answer.Int32();
            (string _, int _, string _) = (answer.String(), answer.Int32(), answer.String());
        }

        return ids;
    }
}
