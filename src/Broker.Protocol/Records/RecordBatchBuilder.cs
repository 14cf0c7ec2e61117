using System.Buffers;
using System.Buffers.Binary;

namespace Broker.Protocol.Records;

/// <summary>A record header to write.</summary>
public readonly record struct RecordHeader(string Key, byte[]? Value);

/// <summary>What a batch says of itself besides its records.</summary>
public sealed record RecordBatchOptions
{
    public static RecordBatchOptions Default { get; } = new();

    public long BaseOffset { get; init; }

    public int PartitionLeaderEpoch { get; init; } = -1;

    public CompressionCodec Codec { get; init; }

    /// <summary>Null for the codec's default.</summary>
    public int? Level { get; init; }

    public TimestampType TimestampType { get; init; }

    public long ProducerId { get; init; } = -1;

    public short ProducerEpoch { get; init; } = -1;

    public int BaseSequence { get; init; } = -1;

    public bool IsTransactional { get; init; }

    public bool IsControl { get; init; }
}

/// <summary>Builds one batch of magic 2, for coordinators, conversions and tests. Not thread-safe; one batch each.</summary>
public sealed class RecordBatchBuilder(RecordBatchOptions options)
{
    private const short ControlVersion = 0;

    private readonly ArrayBufferWriter<byte> _records = new();
    private long _baseTimestamp;
    private long _maxTimestamp = long.MinValue;
    private int _lastOffsetDelta = -1;
    private int _count;

    public int Count => _count;

    /// <summary>Bytes the batch would take uncompressed.</summary>
    public int EstimatedSize => RecordBatchHeader.Size + _records.WrittenCount;

    /// <summary>A batch with the one record that ends a transaction in a partition.</summary>
    public static byte[] TransactionMarker(long baseOffset, int leaderEpoch, long producerId, short producerEpoch, bool commit, int coordinatorEpoch, long timestampMs)
    {
        var builder = new RecordBatchBuilder(new RecordBatchOptions
        {
            BaseOffset = baseOffset,
            PartitionLeaderEpoch = leaderEpoch,
            ProducerId = producerId,
            ProducerEpoch = producerEpoch,
            IsTransactional = true,
            IsControl = true,
        });
        Span<byte> key = stackalloc byte[4];
        BinaryPrimitives.WriteInt16BigEndian(key, ControlVersion);
        BinaryPrimitives.WriteInt16BigEndian(key[2..], commit ? (short)1 : (short)0);
        Span<byte> value = stackalloc byte[6];
        BinaryPrimitives.WriteInt16BigEndian(value, ControlVersion);
        BinaryPrimitives.WriteInt32BigEndian(value[2..], coordinatorEpoch);
        builder.Append(timestampMs, key, hasKey: true, value, hasValue: true);
        return builder.Build();
    }

    /// <summary>Appends a record at the next offset.</summary>
    public void Append(long timestampMs, byte[]? key, byte[]? value, IReadOnlyList<RecordHeader>? headers = null) =>
        Append(timestampMs, key, key is not null, value, value is not null, headers);

    public void Append(long timestampMs, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, IReadOnlyList<RecordHeader>? headers = null) =>
        AppendAt(_lastOffsetDelta + 1, timestampMs, key, hasKey, value, hasValue, headers);

    /// <summary>Appends a record at an offset of its own, as in compacted batches; offsets must ascend.</summary>
    public void AppendAt(int offsetDelta, long timestampMs, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, IReadOnlyList<RecordHeader>? headers = null)
    {
        if (_count == 0)
        {
            _baseTimestamp = timestampMs;
        }

        _maxTimestamp = Math.Max(_maxTimestamp, timestampMs);
        int headerBytes = VarintCoding.Size(headers?.Count ?? 0);
        foreach (RecordHeader header in headers ?? [])
        {
            int keyBytes = System.Text.Encoding.UTF8.GetByteCount(header.Key);
            headerBytes += VarintCoding.Size(keyBytes) + keyBytes + VarintCoding.Size(header.Value?.Length ?? -1) + (header.Value?.Length ?? 0);
        }

        int body = 1 + VarintCoding.Size(timestampMs - _baseTimestamp) + VarintCoding.Size(offsetDelta)
            + VarintCoding.Size(hasKey ? key.Length : -1) + key.Length + VarintCoding.Size(hasValue ? value.Length : -1) + value.Length + headerBytes;
        VarintCoding.Write(_records, body);
        _records.Write<byte>([0]);
        VarintCoding.Write(_records, timestampMs - _baseTimestamp);
        VarintCoding.Write(_records, offsetDelta);
        WriteField(key, hasKey);
        WriteField(value, hasValue);
        VarintCoding.Write(_records, headers?.Count ?? 0);
        foreach (RecordHeader header in headers ?? [])
        {
            WriteField(System.Text.Encoding.UTF8.GetBytes(header.Key), present: true);
            WriteField(header.Value, header.Value is not null);
        }

        _lastOffsetDelta = offsetDelta;
        _count++;
    }

    /// <summary>The finished batch, CRC included.</summary>
    public byte[] Build()
    {
        ReadOnlySpan<byte> records = _records.WrittenSpan;
        var compressed = new ArrayBufferWriter<byte>();
        if (options.Codec != CompressionCodec.None)
        {
            RecordCompression.Compress(options.Codec, options.Level, _records.WrittenMemory, compressed);
            records = compressed.WrittenSpan;
        }

        var batch = new byte[RecordBatchHeader.Size + records.Length];
        records.CopyTo(batch.AsSpan(RecordBatchHeader.Size));
        WriteHeader(batch);
        return batch;
    }

    private void WriteHeader(Span<byte> batch)
    {
        int attributes = (int)options.Codec
            | (options.TimestampType == TimestampType.LogAppendTime ? RecordBatchHeader.LogAppendTimeFlag : 0)
            | (options.IsTransactional ? RecordBatchHeader.TransactionalFlag : 0)
            | (options.IsControl ? RecordBatchHeader.ControlFlag : 0);
        BinaryPrimitives.WriteInt64BigEndian(batch, options.BaseOffset);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.LengthPosition..], batch.Length - RecordBatchHeader.LengthOverhead);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.LeaderEpochPosition..], options.PartitionLeaderEpoch);
        batch[RecordBatchHeader.MagicPosition] = 2;
        BinaryPrimitives.WriteInt16BigEndian(batch[RecordBatchHeader.AttributesPosition..], (short)attributes);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.LastOffsetDeltaPosition..], Math.Max(_lastOffsetDelta, 0));
        BinaryPrimitives.WriteInt64BigEndian(batch[RecordBatchHeader.BaseTimestampPosition..], _count == 0 ? -1 : _baseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(batch[RecordBatchHeader.MaxTimestampPosition..], _count == 0 ? -1 : _maxTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(batch[RecordBatchHeader.ProducerIdPosition..], options.ProducerId);
        BinaryPrimitives.WriteInt16BigEndian(batch[RecordBatchHeader.ProducerEpochPosition..], options.ProducerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.BaseSequencePosition..], options.BaseSequence);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.RecordCountPosition..], _count);
        RecordBatchPatch.UpdateCrc(batch);
    }

    private void WriteField(ReadOnlySpan<byte> bytes, bool present)
    {
        VarintCoding.Write(_records, present ? bytes.Length : -1);
        _records.Write(bytes);
    }
}
