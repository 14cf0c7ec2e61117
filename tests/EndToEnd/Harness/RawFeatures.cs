using System.Buffers.Binary;

namespace Broker.EndToEnd;

/// <summary><c>transaction.version</c> as one broker has it in force, and requests to one broker to change it.</summary>
internal static class RawFeatures
{
    private const short ApiVersions = 18;
    private const short UpdateFeatures = 57;
    private const string Name = "transaction.version";

    private static int _correlationId;

    /// <summary>The error, that of the request or else that of the feature.</summary>
    public static async Task<short> SetAsync(RawConnection connection, short level, bool isDowngrade = false)
    {
        byte[] response = await connection.AskAsync(RequestBytes.Flexible(UpdateFeatures, 1, Interlocked.Increment(ref _correlationId)).Int32(30_000)
            .CompactCount(1).CompactString(Name).Int16(level).Int8(isDowngrade ? (sbyte)2 : (sbyte)1).NoTags().Int8(0).NoTags().ToArray());
        // Correlation id, tags, throttle time; then error, text and the results: a count and a name before the error of the one.
        short error = BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(9));
        return error != 0 ? error : BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(11 + 1 + 1 + 1 + Name.Length));
    }

    /// <summary>0 when it is not in force. Version 3 of ApiVersions lists no feature that begins at level 0, so the name stands in what is in force.</summary>
    public static async Task<short> LevelAsync(RawConnection connection)
    {
        byte[] response = await connection.AskAsync(RequestBytes.Flexible(ApiVersions, 3, Interlocked.Increment(ref _correlationId)).CompactString("test").CompactString("1").NoTags().ToArray());
        int at = response.AsSpan().IndexOf("transaction.version"u8);
        return at < 0 ? (short)0 : BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(at + Name.Length));
    }
}
