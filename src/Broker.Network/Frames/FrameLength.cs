using System.Buffers.Binary;

namespace Broker.Network;

/// <summary>Where the next request frame lies in the bytes received so far. Pure: it never waits and never allocates.</summary>
internal static class FrameLength
{
    public const int PrefixBytes = 4;

    /// <summary>
    /// Reads the length prefix at <paramref name="start"/>. Returns whether the whole frame is there; if not, <paramref name="needed"/> says how many bytes from <paramref name="start"/>
    /// on it takes to look again. A length outside the limit is returned as it was claimed, with <paramref name="isValid"/> false.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, int start, int maxBytes, out int length, out int needed, out bool isValid)
    {
        length = 0;
        needed = PrefixBytes;
        isValid = true;
        int available = bytes.Length - start;
        if (available < PrefixBytes)
        {
            return false;
        }

        length = BinaryPrimitives.ReadInt32BigEndian(bytes[start..]);
        isValid = length >= 0 && length <= maxBytes;
        if (!isValid)
        {
            return false;
        }

        needed = PrefixBytes + length;
        return available >= needed;
    }
}
