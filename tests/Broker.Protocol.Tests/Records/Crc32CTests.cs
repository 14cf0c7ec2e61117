using System.Text;
using Broker.Protocol.Records;
using Xunit.Abstractions;

namespace Broker.Protocol.Tests.Records;

public sealed class Crc32CTests(ITestOutputHelper output)
{
    public static TheoryData<byte[], uint> KnownSums => new()
    {
        { [], 0 },
        { Encoding.ASCII.GetBytes("123456789"), 0xE3069283 },
        { new byte[32], 0x8A9136AA },
        { [.. Enumerable.Repeat((byte)0xFF, 32)], 0x62A8AB43 },
        { [.. Enumerable.Range(0, 32).Select(i => (byte)i)], 0x46DD794E },
        { [.. Enumerable.Range(0, 32).Select(i => (byte)(31 - i))], 0x113FDB5C },
    };

    [Theory]
    [MemberData(nameof(KnownSums))]
    public void KnownVectors(byte[] data, uint expected)
    {
        Assert.Equal(expected, Crc32C.Compute(data));
        Assert.Equal(expected, ~Crc32CTables.Append(~0u, data));
    }

    [Fact]
    public void EveryLengthAndAlignmentAgreesWithTheBitwiseDefinition()
    {
        Random random = Seeds.Next(output);
        var data = new byte[8_300];
        random.NextBytes(data);
        for (int length = 0; length < 1_200; length++)
        {
            AssertAgree(data.AsSpan(random.Next(16), length));
        }

        foreach (int length in new[] { 3_071, 3_072, 3_073, 3_096, 6_144, 6_145, 8_191, 8_192 })
        {
            AssertAgree(data.AsSpan(random.Next(16), length));
        }
    }

    [Fact]
    public void SumsInPiecesEqualTheSumOfAll()
    {
        Random random = Seeds.Next(output);
        var data = new byte[20_000];
        random.NextBytes(data);
        for (int round = 0; round < 50; round++)
        {
            int cut = random.Next(data.Length);
            Assert.Equal(Crc32C.Compute(data), Crc32C.Append(Crc32C.Compute(data.AsSpan(0, cut)), data.AsSpan(cut)));
        }
    }

    private static void AssertAgree(ReadOnlySpan<byte> data)
    {
        uint expected = Bitwise(data);
        Assert.Equal(expected, Crc32C.Compute(data));
        Assert.Equal(expected, ~Crc32CTables.Append(~0u, data));
    }

    private static uint Bitwise(ReadOnlySpan<byte> data)
    {
        uint crc = ~0u;
        foreach (byte b in data)
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        return ~crc;
    }
}
