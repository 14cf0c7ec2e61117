using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ArmCrc32 = System.Runtime.Intrinsics.Arm.Crc32;

namespace Broker.Protocol.Records;

/// <summary>
/// CRC-32C (Castagnoli), the checksum of record batches. The CPU's instruction takes 8 bytes per step but waits three steps for its own result, so three
/// stretches are summed at once. A sum is moved past the bytes of the stretches behind it by one carry-less multiplication with a constant for that distance.
/// Without those instructions eight table lookups take 8 bytes per step.
/// </summary>
public static class Crc32C
{
    internal const uint ReversedPolynomial = 0x82F63B78;
    private const int WordBytes = sizeof(ulong);

    /// <summary>Longest stretch in words. Longer ones gain nothing measurable, and the constants for two of them stay within two KiB.</summary>
    private const int MaxStretchWords = 128;

    /// <summary>Below this the joining costs more than the overlap wins.</summary>
    private const int LeastThreeWayBytes = 24 * WordBytes;

    /// <summary>Entry n moves a sum past n words, as a factor for <see cref="Advance"/>.</summary>
    private static readonly uint[] WordShifts = MakeWordShifts((2 * MaxStretchWords) + 1);

    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>The checksum of everything summed into <paramref name="crc"/> followed by <paramref name="data"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        uint state = ~crc;
        if (Sse42.X64.IsSupported)
        {
            if (Pclmulqdq.IsSupported && data.Length >= LeastThreeWayBytes)
            {
                state = ThreeWay(state, ref data);
            }

            return ~SequentialX64(state, data);
        }

        return ~(ArmCrc32.Arm64.IsSupported ? SequentialArm64(state, data) : Crc32CTables.Append(state, data));
    }

    private static uint ThreeWay(uint state, ref ReadOnlySpan<byte> data)
    {
        do
        {
            int words = Math.Min(data.Length / (3 * WordBytes), MaxStretchWords);
            int stretch = words * WordBytes;
            ref byte first = ref MemoryMarshal.GetReference(data);
            ref byte second = ref Unsafe.Add(ref first, stretch);
            ref byte third = ref Unsafe.Add(ref second, stretch);
            ulong a = state, b = 0, c = 0;
            for (int i = 0; i < stretch; i += WordBytes)
            {
                a = Sse42.X64.Crc32(a, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, i)));
                b = Sse42.X64.Crc32(b, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref second, i)));
                c = Sse42.X64.Crc32(c, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref third, i)));
            }

            state = Advance((uint)a, WordShifts[2 * words]) ^ Advance((uint)b, WordShifts[words]) ^ (uint)c;
            data = data[(3 * stretch)..];
        }
        while (data.Length >= LeastThreeWayBytes);
        return state;
    }

    /// <summary>Sum times factor times x^33: the product of two reversed 32-bit polynomials comes out one bit short, and the CRC instruction reduces it by 32 more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Advance(uint sum, uint factor)
    {
        Vector128<ulong> product = Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar((ulong)sum), Vector128.CreateScalar((ulong)factor), 0);
        return (uint)Sse42.X64.Crc32(0, product.ToScalar());
    }

    private static uint SequentialX64(uint state, ReadOnlySpan<byte> data)
    {
        ulong wide = state;
        while (data.Length >= WordBytes)
        {
            wide = Sse42.X64.Crc32(wide, MemoryMarshal.Read<ulong>(data));
            data = data[WordBytes..];
        }

        state = (uint)wide;
        foreach (byte b in data)
        {
            state = Sse42.Crc32(state, b);
        }

        return state;
    }

    private static uint SequentialArm64(uint state, ReadOnlySpan<byte> data)
    {
        while (data.Length >= WordBytes)
        {
            state = ArmCrc32.Arm64.ComputeCrc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[WordBytes..];
        }

        foreach (byte b in data)
        {
            state = ArmCrc32.ComputeCrc32C(state, b);
        }

        return state;
    }

    /// <summary>x^(64n - 33) modulo the polynomial for each n; n = 0 is not used.</summary>
    private static uint[] MakeWordShifts(int count)
    {
        const uint One = 0x8000_0000;   // x^0, reversed
        uint power = One;
        var shifts = new uint[count];
        for (int n = 1; n < count; n++)
        {
            for (int bit = 0; bit < (n == 1 ? 64 - 33 : 64); bit++)
            {
                power = (power & 1) != 0 ? (power >> 1) ^ ReversedPolynomial : power >> 1;
            }

            shifts[n] = power;
        }

        return shifts;
    }
}
