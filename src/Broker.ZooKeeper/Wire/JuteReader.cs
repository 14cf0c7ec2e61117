using System.Buffers.Binary;
using System.Text;

namespace Broker.ZooKeeper;

/// <summary>
/// Reads ZooKeeper's record encoding (jute): big-endian numbers, lengths in front. The bytes come from a peer, so every length is compared with what is
/// left before anything is made for it.
/// </summary>
internal ref struct JuteReader(ReadOnlySpan<byte> source)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = source;

    public readonly int Remaining => _rest.Length;

    public bool ReadBool() => Take(1)[0] != 0;

    public int ReadInt32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long ReadInt64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    /// <summary>A copy; null where the peer says that there are no bytes at all.</summary>
    public byte[]? ReadBuffer()
    {
        int length = ReadInt32();
        return length == -1 ? null : Take(length).ToArray();
    }

    public string ReadString()
    {
        int length = ReadInt32();
        if (length == -1)
        {
            return "";
        }

        try
        {
            return StrictUtf8.GetString(Take(length));
        }
        catch (DecoderFallbackException e)
        {
            throw new ZooKeeperProtocolException("A text in an answer is not UTF-8", e);
        }
    }

    /// <param name="minElementBytes">The fewest bytes that an element can take.</param>
    public int ReadCount(int minElementBytes)
    {
        int count = ReadInt32();
        return count == -1 ? 0
            : count < 0 || count > _rest.Length / minElementBytes ? throw new ZooKeeperProtocolException($"An answer claims {count} elements, but only {_rest.Length} bytes follow")
            : count;
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        if ((uint)length > (uint)_rest.Length)
        {
            throw new ZooKeeperProtocolException($"An answer is cut short: {length} bytes are needed where {_rest.Length} are left");
        }

        ReadOnlySpan<byte> taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
