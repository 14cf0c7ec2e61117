using System.Buffers;
using System.Numerics;

namespace Broker.Protocol.Records;

/// <summary>Zig-zag varints as records use them.</summary>
internal static class VarintCoding
{
    public static int Size(long value)
    {
        ulong bits = ZigZag(value);
        return bits == 0 ? 1 : (70 - BitOperations.LeadingZeroCount(bits)) / 7;
    }

    public static void Write(IBufferWriter<byte> output, long value)
    {
        ulong bits = ZigZag(value);
        Span<byte> target = output.GetSpan(10);
        int i = 0;
        while (bits >= 0x80)
        {
            target[i++] = (byte)(bits | 0x80);
            bits >>= 7;
        }

        target[i++] = (byte)bits;
        output.Advance(i);
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));
}
