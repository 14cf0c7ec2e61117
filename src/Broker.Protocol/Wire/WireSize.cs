using System.Numerics;
using System.Text;

namespace Broker.Protocol;

/// <summary>How many bytes the primitives of the protocol take.</summary>
public static class WireSize
{
    public static int UnsignedVarint(uint value) => value == 0 ? 1 : (38 - BitOperations.LeadingZeroCount(value)) / 7;

    public static int String(string? value, bool compact)
    {
        int bytes = value is null ? 0 : Encoding.UTF8.GetByteCount(value);
        return bytes + (compact ? UnsignedVarint((uint)(value is null ? 0 : bytes + 1)) : 2);
    }

    public static int Bytes(byte[]? value, bool compact) => Counted(value?.Length ?? -1, compact);

    public static int Records(WireRecords value, bool compact) => Counted(value.IsNull ? -1 : value.Length, compact);

    /// <summary>The count before an array; -1 elements for null.</summary>
    public static int ArrayCount(int count, bool compact) => compact ? UnsignedVarint((uint)(count + 1)) : 4;

    private static int Counted(int length, bool compact) => Math.Max(length, 0) + (compact ? UnsignedVarint((uint)(length + 1)) : 4);
}
