using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>Record batches as a producer would send them.</summary>
internal static class Batches
{
    public const long Now = 1_700_000_000_000;

    public static byte[] Of(params string[] values) => At(Now, values);

    public static byte[] At(long timestampMs, params string[] values) => Build(new RecordBatchOptions(), values.Select(v => (timestampMs, v)));

    public static byte[] Timed(params (long TimestampMs, string Value)[] records) => Build(new RecordBatchOptions(), records);

    public static byte[] Compressed(CompressionCodec codec, params (long TimestampMs, string Value)[] records) =>
        Build(new RecordBatchOptions { Codec = codec }, records);

    public static byte[] Keyed(string key, string value)
    {
        RecordBatchBuilder builder = new(new RecordBatchOptions());
        builder.Append(Now, System.Text.Encoding.UTF8.GetBytes(key), System.Text.Encoding.UTF8.GetBytes(value));
        return builder.Build();
    }

    /// <summary>A batch of an idempotent producer.</summary>
    public static byte[] Idempotent(long producerId, short epoch, int sequence, int count = 1, bool isTransactional = false) => Build(
        new RecordBatchOptions { ProducerId = producerId, ProducerEpoch = epoch, BaseSequence = sequence, IsTransactional = isTransactional },
        Enumerable.Range(sequence, count).Select(i => (Now, $"{i}")));

    public static byte[] Marker(long producerId, short epoch, bool commit, int coordinatorEpoch = 0) =>
        RecordBatchBuilder.TransactionMarker(0, -1, producerId, epoch, commit, coordinatorEpoch, Now);

    public static byte[] OfSize(int bytes, long timestampMs = Now) => At(timestampMs, new string('x', Math.Max(1, bytes - 75)));

    private static byte[] Build(RecordBatchOptions options, IEnumerable<(long TimestampMs, string Value)> records)
    {
        RecordBatchBuilder builder = new(options);
        foreach ((long timestampMs, string value) in records)
        {
            builder.Append(timestampMs, null, System.Text.Encoding.UTF8.GetBytes(value));
        }

        return builder.Build();
    }
}
