using System.Buffers.Binary;

namespace Broker.Protocol.Tests;

/// <summary>Ways to damage a frame: some know where lengths are, some know nothing.</summary>
internal static class Mutations
{
    private const int MaxVarintBytes = 5;

    private static readonly long[] HostileCounts = [-2, -1, 0, 1, 2, 127, 128, 255, 16383, 16384, short.MaxValue, short.MaxValue + 1, 65535, 1_000_000, int.MaxValue - 1, int.MaxValue, int.MinValue, uint.MaxValue];

    /// <summary>The frame with one of its lengths or counts replaced, in the same encoding.</summary>
    public static byte[] Lie(byte[] frame, LengthMark mark, long value)
    {
        Span<byte> lie = stackalloc byte[MaxVarintBytes];
        switch (mark.Kind)
        {
            case LengthKind.Int16:
                BinaryPrimitives.WriteInt16BigEndian(lie, (short)value);
                lie = lie[..2];
                break;
            case LengthKind.Int32:
                BinaryPrimitives.WriteInt32BigEndian(lie, (int)value);
                lie = lie[..4];
                break;
            default:
                lie = lie[..Varint(lie, (uint)value)];
                break;
        }

        return Replace(frame, mark.Position, mark.Size, lie);
    }

    public static IEnumerable<long> LiesFor(int frameBytes) => [.. HostileCounts, frameBytes, frameBytes - 1, frameBytes / 2];

    /// <summary>Up to four random mutations on top of each other; the frame itself is left alone.</summary>
    /// <param name="random">Decides.</param>
    /// <param name="frame">A good frame.</param>
    /// <param name="marks">Its lengths and counts.</param>
    /// <param name="other">Another frame, to take pieces from.</param>
    public static byte[] Damage(Random random, byte[] frame, IReadOnlyList<LengthMark> marks, byte[] other)
    {
        byte[] damaged = frame;
        if (marks.Count > 0 && random.Next(3) > 0)
        {
            long value = random.Next(2) == 0 ? HostileCounts[random.Next(HostileCounts.Length)] : random.Next(-3, frame.Length + 3);
            damaged = Lie(frame, marks[random.Next(marks.Count)], value);
        }

        int more = random.Next(4);
        if (damaged == frame)
        {
            damaged = (byte[])frame.Clone();
            more++;
        }

        for (; more > 0 && damaged.Length > 0; more--)
        {
            damaged = Blindly(random, damaged, other);
        }

        return damaged;
    }

    private static byte[] Blindly(Random random, byte[] frame, byte[] other)
    {
        int at = random.Next(frame.Length);
        int length = Math.Min(random.Next(1, 9), frame.Length - at);
        switch (random.Next(8))
        {
            case 0:
                frame[at] ^= (byte)(1 << random.Next(8));
                return frame;
            case 1:
                frame[at] = (byte)random.Next(256);
                return frame;
            case 2:
                return frame[..at];
            case 3:
                Span<byte> noise = stackalloc byte[length];
                random.NextBytes(noise);
                return Replace(frame, at, 0, noise);
            case 4:
                return Replace(frame, random.Next(at, frame.Length), 0, frame.AsSpan(at, length));
            case 5:
                return Replace(frame, at, length, []);
            case 6:
                int from = random.Next(other.Length + 1);
                return Replace(frame, at, length, other.AsSpan(from, Math.Min(random.Next(1, 33), other.Length - from)));
            default:
                frame.AsSpan(at, length).Fill(random.Next(2) == 0 ? (byte)0xff : (byte)0);
                return frame;
        }
    }

    private static byte[] Replace(byte[] frame, int at, int length, ReadOnlySpan<byte> piece)
    {
        var result = new byte[frame.Length - length + piece.Length];
        frame.AsSpan(0, at).CopyTo(result);
        piece.CopyTo(result.AsSpan(at));
        frame.AsSpan(at + length).CopyTo(result.AsSpan(at + piece.Length));
        return result;
    }

    private static int Varint(Span<byte> target, uint value)
    {
        int length = 0;
        for (; value >= 0x80; value >>= 7)
        {
            target[length++] = (byte)(value | 0x80);
        }

        target[length++] = (byte)value;
        return length;
    }
}
