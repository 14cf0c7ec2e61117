namespace Broker.Protocol.Records;

/// <summary>
/// Builds a message set of magic 0 or 1, uncompressed or as one compressed message: append, then build once, which ends the builder. Not thread-safe.
/// </summary>
/// <param name="magic">0 or 1.</param>
/// <param name="codec">Not zstd, which these formats do not know.</param>
/// <param name="timestampType">Matters to magic 1 only.</param>
/// <param name="logAppendTimeMs">Under LogAppendTime the time of every record.</param>
public sealed class LegacyMessageSetBuilder(
    byte magic, CompressionCodec codec = CompressionCodec.None, TimestampType timestampType = TimestampType.CreateTime, long logAppendTimeMs = -1)
{
    private readonly BoundedBuffer _messages = new(int.MaxValue);
    private long _firstOffset;
    private long _lastOffset;
    private long _maxTimestamp = -1;

    public int Count { get; private set; }

    public void Append(long offset, long timestampMs, byte[]? key, byte[]? value) => Append(offset, timestampMs, key, key is not null, value, value is not null);

    /// <summary>Appends a record. Offsets must ascend.</summary>
    public void Append(long offset, long timestampMs, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue)
    {
        if (Count == 0)
        {
            _firstOffset = offset;
        }

        long timestamp = timestampType == TimestampType.LogAppendTime ? logAppendTimeMs : timestampMs;
        bool isRelative = magic > 0 && codec != CompressionCodec.None;
        LegacyMessage.Write(
            _messages, isRelative ? offset - _firstOffset : offset, magic, CompressionCodec.None, timestampType, timestamp, key, hasKey, value, hasValue);
        _lastOffset = offset;
        _maxTimestamp = Math.Max(_maxTimestamp, timestamp);
        Count++;
    }

    public byte[] Build()
    {
        using var output = new BoundedBuffer(int.MaxValue);
        Build(output);
        return output.Span.ToArray();
    }

    internal void Build(BoundedBuffer output)
    {
        if (codec == CompressionCodec.None || Count == 0)
        {
            _messages.Span.CopyTo(output.Reserve(_messages.Length));
            output.Advance(_messages.Length);
        }
        else
        {
            using var compressed = new BoundedBuffer(int.MaxValue);
            RecordCompression.Compress(codec, level: null, _messages.Span, compressed, legacyLz4Checksum: magic == 0);
            LegacyMessage.Write(output, _lastOffset, magic, codec, timestampType, _maxTimestamp, key: default, hasKey: false, compressed.Span, hasValue: true);
        }

        _messages.Dispose();
    }
}
