using System.Buffers.Binary;
using System.Text;

namespace Broker.Coordination;

/// <summary>
/// Reads the topics out of a consumer's subscription bytes (ConsumerProtocolSubscription, any version: the topic list comes first in all of them).
/// The bytes are the client's: everything is bounds-checked, and what cannot be read is "unknown", never an error.
/// </summary>
internal static class ConsumerSubscription
{
    public const string ProtocolType = "consumer";

    public static bool TryReadTopics(ReadOnlySpan<byte> metadata, ISet<string> topics)
    {
        if (metadata.Length < 6 || BinaryPrimitives.ReadInt16BigEndian(metadata) < 0)
        {
            return false;
        }
        int count = BinaryPrimitives.ReadInt32BigEndian(metadata[2..]);
        ReadOnlySpan<byte> rest = metadata[6..];
        for (int i = 0; i < count; i++)
        {
            if (rest.Length < 2)
            {
                return false;
            }
            int length = BinaryPrimitives.ReadInt16BigEndian(rest);
            if (length < 0 || length > rest.Length - 2)
            {
                return false;
            }
            topics.Add(Encoding.UTF8.GetString(rest.Slice(2, length)));
            rest = rest[(2 + length)..];
        }
        return count >= 0;
    }
}
