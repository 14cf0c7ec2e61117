using Broker.Protocol.Records;
using Record = Broker.Protocol.Records.Record;

namespace Broker.Protocol.Tests.Records;

/// <summary>A record as a value that tests can compare.</summary>
internal sealed record Sample(long TimestampMs, byte[]? Key, byte[]? Value, params RecordHeader[] Headers)
{
    public override string ToString() => $"{TimestampMs}|{Show(Key)}|{Show(Value)}|{string.Join(",", Headers.Select(h => h.Key + "=" + Show(h.Value)))}";

    public Sample WithoutHeaders() => this with { Headers = [] };

    private static string Show(byte[]? bytes) => bytes is null ? "null" : Convert.ToHexString(bytes);
}

internal static class SampleRecords
{
    public static readonly CompressionCodec[] Codecs = [CompressionCodec.None, CompressionCodec.Gzip, CompressionCodec.Snappy, CompressionCodec.Lz4, CompressionCodec.Zstd];

    public static readonly CompressionCodec[] LegacyCodecs = [CompressionCodec.None, CompressionCodec.Gzip, CompressionCodec.Snappy, CompressionCodec.Lz4];

    public static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        if (random.Next(2) == 0)
        {
            random.NextBytes(bytes);
        }
        else
        {
            // Text-like: something to compress.
            for (int i = 0; i < length; i++)
            {
                bytes[i] = (byte)('a' + (i % 7) + random.Next(2));
            }
        }

        return bytes;
    }

    public static Sample[] Some(Random random, int count, bool withHeaders = true)
    {
        var samples = new Sample[count];
        for (int i = 0; i < count; i++)
        {
            var headers = new RecordHeader[withHeaders ? random.Next(3) : 0];
            for (int h = 0; h < headers.Length; h++)
            {
                headers[h] = new RecordHeader("h" + random.Next(100), random.Next(3) == 0 ? null : Bytes(random, random.Next(20)));
            }

            samples[i] = new Sample(
                1_700_000_000_000 + random.Next(-5_000, 5_000),
                random.Next(3) == 0 ? null : Bytes(random, random.Next(40)),
                random.Next(5) == 0 ? null : Bytes(random, random.Next(random.Next(10) == 0 ? 5_000 : 200)),
                headers);
        }

        return samples;
    }

    public static byte[] Batch(IEnumerable<Sample> samples, RecordBatchOptions? options = null)
    {
        var builder = new RecordBatchBuilder(options ?? RecordBatchOptions.Default);
        foreach (Sample sample in samples)
        {
            builder.Append(sample.TimestampMs, sample.Key, sample.Value, sample.Headers);
        }

        return builder.Build();
    }

    public static byte[] MessageSet(IEnumerable<Sample> samples, byte magic, CompressionCodec codec, long firstOffset = 0)
    {
        var builder = new LegacyMessageSetBuilder(magic, codec);
        long offset = firstOffset;
        foreach (Sample sample in samples)
        {
            builder.Append(offset++, sample.TimestampMs, sample.Key, sample.Value);
        }

        return builder.Build();
    }

    public static List<(long Offset, Sample Record)> Read(ReadOnlySpan<byte> batch)
    {
        var read = new List<(long, Sample)>();
        using var reader = new RecordBatchReader(batch);
        while (reader.MoveNext(out Record record))
        {
            var headers = new List<RecordHeader>();
            var cursor = new RecordHeaderCursor(record);
            while (cursor.MoveNext(out ReadOnlySpan<byte> key, out bool hasValue, out ReadOnlySpan<byte> value))
            {
                headers.Add(new RecordHeader(System.Text.Encoding.UTF8.GetString(key), hasValue ? value.ToArray() : null));
            }

            read.Add((record.Offset, new Sample(record.Timestamp, record.HasKey ? record.Key.ToArray() : null, record.HasValue ? record.Value.ToArray() : null, headers.ToArray())));
        }

        return read;
    }

    public static List<(long Offset, Sample Record)> ReadMessages(ReadOnlySpan<byte> messageSet)
    {
        var read = new List<(long, Sample)>();
        using var reader = new LegacyMessageSetReader(messageSet);
        while (reader.MoveNext(out LegacyRecord record))
        {
            read.Add((record.Offset, new Sample(record.Timestamp, record.HasKey ? record.Key.ToArray() : null, record.HasValue ? record.Value.ToArray() : null)));
        }

        return read;
    }

    public static void AssertSame(IEnumerable<Sample> expected, IEnumerable<(long Offset, Sample Record)> actual, long firstOffset = 0)
    {
        Assert.Equal(
            expected.Select((s, i) => $"{firstOffset + i}: {s}"),
            actual.Select(a => $"{a.Offset}: {a.Record}"));
    }
}
