namespace Broker.Protocol.Tests;

/// <summary>Ways to damage a frame: some know where lengths are, some know nothing.</summary>
internal static class Mutations
{
    private static readonly long[] HostileCounts = [-2, -1, 0, 1, 2, 127, 128, 255, 16383, 16384, short.MaxValue, short.MaxValue + 1, 65535, 1_000_000, int.MaxValue - 1, int.MaxValue, int.MinValue, uint.MaxValue];

    /// <summary>The frame with one of its lengths or counts replaced, in the same encoding.</summary>
    public static byte[] Lie(byte[] frame, LengthMark mark, long value)
    {
        var lie = new FrameBytes();
        lie.Raw(frame.AsSpan(0, mark.Position));
        switch (mark.Kind)
        {
            case LengthKind.Int16: lie.Int16((short)value); break;
            case LengthKind.Int32: lie.Int32((int)value); break;
            default: lie.Varint((uint)value); break;
        }

        lie.Raw(frame.AsSpan(mark.Position + mark.Size));
        return lie.ToArray();
    }

    public static IEnumerable<long> LiesFor(int frameBytes) => [.. HostileCounts, frameBytes, frameBytes - 1, frameBytes / 2];

    /// <summary>One to four random mutations on top of each other.</summary>
    public static byte[] Damage(Random random, FrameBytes original)
    {
        byte[] frame = original.ToArray();
        if (original.Marks.Count > 0 && random.Next(3) > 0)
        {
            LengthMark mark = original.Marks[random.Next(original.Marks.Count)];
            long value = random.Next(2) == 0 ? HostileCounts[random.Next(HostileCounts.Length)] : random.Next(-3, frame.Length + 3);
            frame = Lie(frame, mark, value);
        }

        for (int i = random.Next(4); i > 0 && frame.Length > 0; i--)
        {
            frame = Blindly(random, frame);
        }

        return frame;
    }

    private static byte[] Blindly(Random random, byte[] frame)
    {
        int at = random.Next(frame.Length);
        switch (random.Next(6))
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
                var insert = new byte[random.Next(1, 9)];
                random.NextBytes(insert);
                return [.. frame.AsSpan(0, at), .. insert, .. frame.AsSpan(at)];
            case 4:
                int end = random.Next(at, frame.Length);
                return [.. frame.AsSpan(0, end), .. frame.AsSpan(at)];
            default:
                frame.AsSpan(at, Math.Min(random.Next(1, 9), frame.Length - at)).Fill(random.Next(2) == 0 ? (byte)0xff : (byte)0);
                return frame;
        }
    }
}
