using Broker.Protocol.Records;
using Xunit.Abstractions;

namespace Broker.Protocol.Tests.Records;

public sealed class RecordBatchScannerTests(ITestOutputHelper output)
{
    [Fact]
    public void WalksEveryMagicAndStopsAtTheCut()
    {
        Random random = Seeds.Next(output);
        byte[][] parts =
        [
            SampleRecords.MessageSet(SampleRecords.Some(random, 1), 0, CompressionCodec.None),
            SampleRecords.MessageSet(SampleRecords.Some(random, 3), 1, CompressionCodec.Gzip),
            SampleRecords.Batch(SampleRecords.Some(random, 4), new RecordBatchOptions { Codec = CompressionCodec.Zstd }),
            SampleRecords.Batch(SampleRecords.Some(random, 2)),
        ];
        byte[] log = [.. parts.SelectMany(p => p)];
        int lastStart = log.Length - parts[^1].Length;

        Assert.Equal((4, log.Length, BatchDefect.None), Walk(log));
        for (int cut = lastStart + 1; cut < log.Length; cut++)
        {
            Assert.Equal((3, lastStart, BatchDefect.Incomplete), Walk(log.AsSpan(0, cut)));
        }
    }

    [Fact]
    public void StopsAtABrokenChecksumOfAnyMagic()
    {
        Random random = Seeds.Next(output);
        byte[] good = SampleRecords.Batch(SampleRecords.Some(random, 2));
        byte[][] others =
        [
            SampleRecords.MessageSet([new Sample(1, null, [1, 2])], 0, CompressionCodec.None),
            SampleRecords.MessageSet([new Sample(1, null, [1, 2])], 1, CompressionCodec.None),
            SampleRecords.Batch(SampleRecords.Some(random, 2)),
        ];
        foreach (byte[] bad in others)
        {
            bad[^1] ^= 1;
            Assert.Equal((1, good.Length, BatchDefect.BadChecksum), Walk([.. good, .. bad]));
        }
    }

    [Fact]
    public void ZeroesAndNoiseEndTheWalk()
    {
        Random random = Seeds.Next(output);
        byte[] good = SampleRecords.Batch(SampleRecords.Some(random, 2));
        Assert.Equal((1, good.Length, BatchDefect.BadLength), Walk([.. good, .. new byte[4096]]));
        for (int round = 0; round < 200; round++)
        {
            var noise = new byte[random.Next(1, 300)];
            random.NextBytes(noise);
            Assert.Equal(good.Length, Walk([.. good, .. noise]).ValidBytes);
        }
    }

    private static (int Count, int ValidBytes, BatchDefect Defect) Walk(ReadOnlySpan<byte> log)
    {
        var scanner = new RecordBatchScanner(log, verifyCrc: true);
        int count = 0;
        while (scanner.MoveNext())
        {
            count++;
        }

        return (count, scanner.ValidBytes, scanner.Defect);
    }
}
