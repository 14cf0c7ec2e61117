using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using ArmCrc32 = System.Runtime.Intrinsics.Arm.Crc32;

namespace Broker.Protocol.Records;

/// <summary>
/// CRC-32C (Castagnoli), the checksum of record batches. The CPU's instruction takes 8 bytes per step but has to wait three steps for its own result,
/// so three stretches are summed at once and joined: a sum is moved past n bytes by the linear map "feed n zero bytes", kept as tables for two lengths.
/// </summary>
public static class Crc32C
{
    private const uint ReversedPolynomial = 0x82F63B78;
    private const int LongStretch = 4096;
    private const int ShortStretch = 256;

    private static readonly uint[] LongShift = ZeroFeed(LongStretch);
    private static readonly uint[] ShortShift = ZeroFeed(ShortStretch);
    private static readonly uint[] BytewiseTable = MakeBytewiseTable();

    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>The checksum of everything summed into <paramref name="crc"/> followed by <paramref name="data"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        uint state = ~crc;
        if (Sse42.X64.IsSupported || ArmCrc32.Arm64.IsSupported)
        {
            state = ThreeWay(state, ref data, LongStretch, LongShift);
            state = ThreeWay(state, ref data, ShortStretch, ShortShift);
            while (data.Length >= sizeof(ulong))
            {
                state = Step(state, MemoryMarshal.Read<ulong>(data));
                data = data[sizeof(ulong)..];
            }
        }

        foreach (byte b in data)
        {
            state = BytewiseTable[(byte)(state ^ b)] ^ (state >> 8);
        }

        return ~state;
    }

    private static uint ThreeWay(uint state, ref ReadOnlySpan<byte> data, int stretch, uint[] shift)
    {
        while (data.Length >= 3 * stretch)
        {
            ref byte a = ref MemoryMarshal.GetReference(data);
            ref byte b = ref Unsafe.Add(ref a, stretch);
            ref byte c = ref Unsafe.Add(ref b, stretch);
            uint second = 0, third = 0;
            for (int i = 0; i < stretch; i += sizeof(ulong))
            {
                state = Step(state, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref a, i)));
                second = Step(second, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref b, i)));
                third = Step(third, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref c, i)));
            }

            state = Shift(shift, state) ^ second;
            state = Shift(shift, state) ^ third;
            data = data[(3 * stretch)..];
        }

        return state;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Step(uint state, ulong bytes)
    {
        if (!BitConverter.IsLittleEndian)
        {
            bytes = BinaryPrimitives.ReverseEndianness(bytes);
        }

        return Sse42.X64.IsSupported ? (uint)Sse42.X64.Crc32(state, bytes) : ArmCrc32.Arm64.ComputeCrc32C(state, bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Shift(uint[] tables, uint state) =>
        tables[(byte)state] ^ tables[256 + (byte)(state >> 8)] ^ tables[512 + (byte)(state >> 16)] ^ tables[768 + (state >> 24)];

    /// <summary>Tables of the map that feeds <paramref name="bytes"/> zero bytes into a sum, one for each byte of the sum.</summary>
    private static uint[] ZeroFeed(int bytes)
    {
        uint[] table = MakeBytewiseTable();
        Span<uint> basis = stackalloc uint[32];
        for (int bit = 0; bit < 32; bit++)
        {
            uint state = 1u << bit;
            for (int i = 0; i < bytes; i++)
            {
                state = table[(byte)state] ^ (state >> 8);
            }

            basis[bit] = state;
        }

        var tables = new uint[1024];
        for (int position = 0; position < 4; position++)
        {
            for (int value = 0; value < 256; value++)
            {
                uint sum = 0;
                for (int bit = 0; bit < 8; bit++)
                {
                    sum ^= (value & (1 << bit)) != 0 ? basis[(8 * position) + bit] : 0;
                }

                tables[(256 * position) + value] = sum;
            }
        }

        return tables;
    }

    private static uint[] MakeBytewiseTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value & 1) != 0 ? (value >> 1) ^ ReversedPolynomial : value >> 1;
            }

            table[i] = value;
        }

        return table;
    }
}
