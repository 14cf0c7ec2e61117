using System.Buffers.Binary;

namespace Broker.Protocol.Records;

/// <summary>CRC-32C by tables, for CPUs without an instruction for it. A class of its own, so that the tables are made only where they are used.</summary>
internal static class Crc32CTables
{
    private static readonly uint[] Tables = Make();

    /// <summary>Takes and returns the raw state, not inverted.</summary>
    public static uint Append(uint state, ReadOnlySpan<byte> data)
    {
        uint[] t = Tables;
        while (data.Length >= sizeof(ulong))
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ state;
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            state = t[1792 + (byte)low] ^ t[1536 + (byte)(low >> 8)] ^ t[1280 + (byte)(low >> 16)] ^ t[1024 + (low >> 24)]
                ^ t[768 + (byte)high] ^ t[512 + (byte)(high >> 8)] ^ t[256 + (byte)(high >> 16)] ^ t[high >> 24];
            data = data[sizeof(ulong)..];
        }

        foreach (byte b in data)
        {
            state = t[(byte)(state ^ b)] ^ (state >> 8);
        }

        return state;
    }

    /// <summary>Table k gives the effect of a byte that has k more bytes behind it.</summary>
    private static uint[] Make()
    {
        var tables = new uint[8 * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value & 1) != 0 ? (value >> 1) ^ Crc32C.ReversedPolynomial : value >> 1;
            }

            tables[i] = value;
        }

        for (int i = 256; i < tables.Length; i++)
        {
            tables[i] = tables[(byte)tables[i - 256]] ^ (tables[i - 256] >> 8);
        }

        return tables;
    }
}
