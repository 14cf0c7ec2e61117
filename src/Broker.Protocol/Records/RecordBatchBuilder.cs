using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Broker.Protocol.Records;

/// <summary>
/// Builds one batch of magic 2, for coordinators, conversions and tests: append, then build once, which ends the builder. Not thread-safe.
/// Its memory is pooled; a builder that is dropped without building leaves it to the garbage collector.
/// </summary>
public sealed class RecordBatchBuilder
{
    private const short ControlVersion = 0;

    private readonly RecordBatchOptions _options;

    /// <summary>Room for the header, then the records.</summary>
    private readonly BoundedBuffer _buffer = new(int.MaxValue);
    private long _baseTimestamp;
    private long _maxTimestamp = -1;
    private int _lastOffsetDelta = -1;

    public RecordBatchBuilder(RecordBatchOptions options)
    {
        _options = options;
        _buffer.Reserve(RecordBatchHeader.Size);
        _buffer.Advance(RecordBatchHeader.Size);
    }

    public int Count { get; private set; }

    /// <summary>Bytes the batch would take uncompressed.</summary>
    public int EstimatedSize => _buffer.Length;

    /// <summary>A batch of keys and values with one timestamp, as coordinators write them.</summary>
    public static byte[] Build(IReadOnlyList<KeyValuePair<byte[]?, byte[]?>> records, long timestampMs, RecordBatchOptions? options = null)
    {
        var builder = new RecordBatchBuilder(options ?? RecordBatchOptions.Default);
        for (int i = 0; i < records.Count; i++)
        {
            builder.Append(timestampMs, records[i].Key, records[i].Value);
        }

        return builder.Build();
    }

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
        int headerBytes = 0;
        foreach (RecordHeader header in headers ?? [])
        {
            int keyBytes = Encoding.UTF8.GetByteCount(header.Key);
            headerBytes += VarintCoding.Size(keyBytes) + keyBytes + VarintCoding.Size(header.Value?.Length ?? -1) + (header.Value?.Length ?? 0);
        }

        Begin(offsetDelta, timestampMs, key, hasKey, value, hasValue, headers?.Count ?? 0, headerBytes);
        foreach (RecordHeader header in headers ?? [])
        {
            VarintCoding.Write(_buffer, Encoding.UTF8.GetByteCount(header.Key));
            Encoding.UTF8.GetBytes(header.Key, _buffer);
            WriteField(header.Value, header.Value is not null);
        }
    }

    /// <summary>Appends a copy of a record of another batch at the next offset.</summary>
    public void Append(in Record record) => AppendAt(_lastOffsetDelta + 1, record);

    /// <summary>Appends a copy of a record of another batch at an offset of its own; offsets must ascend.</summary>
    public void AppendAt(int offsetDelta, in Record record)
    {
        Begin(offsetDelta, record.Timestamp, record.Key, record.HasKey, record.Value, record.HasValue, record.HeaderCount, record.Headers.Length);
        _buffer.Write(record.Headers);
    }

    /// <summary>The finished batch, CRC included.</summary>
    public byte[] Build()
    {
        using BoundedBuffer batch = BuildPooled();
        return batch.Span.ToArray();
    }

    /// <summary>The finished batch in pooled memory, which the caller disposes.</summary>
    internal BoundedBuffer BuildPooled()
    {
        BoundedBuffer batch = _buffer;
        if (_options.Codec != CompressionCodec.None)
        {
            batch = new BoundedBuffer(int.MaxValue);
            batch.Reserve(RecordBatchHeader.Size);
            batch.Advance(RecordBatchHeader.Size);
            RecordCompression.Compress(_options.Codec, _options.Level, _buffer.Span[RecordBatchHeader.Size..], batch);
            _buffer.Dispose();
        }

        WriteHeader(batch.WrittenSpan);
        return batch;
    }

    /// <summary>Writes a record up to and including its header count.</summary>
    private void Begin(int offsetDelta, long timestampMs, ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue, int headerCount, int headerBytes)
    {
        if (offsetDelta <= _lastOffsetDelta)
        {
            throw new ArgumentOutOfRangeException(nameof(offsetDelta), offsetDelta, $"Offsets must ascend, and the last one was {_lastOffsetDelta}");
        }

        if (Count == 0)
        {
            // A batch with a delete horizon keeps it where the first timestamp usually is.
            _baseTimestamp = _options.DeleteHorizonMs >= 0 ? _options.DeleteHorizonMs : timestampMs;
        }

        long timestampDelta = timestampMs - _baseTimestamp;
        int body = 1 + VarintCoding.Size(timestampDelta) + VarintCoding.Size(offsetDelta)
            + VarintCoding.Size(hasKey ? key.Length : -1) + key.Length + VarintCoding.Size(hasValue ? value.Length : -1) + value.Length
            + VarintCoding.Size(headerCount) + headerBytes;
        VarintCoding.Write(_buffer, body);
        _buffer.Write((ReadOnlySpan<byte>)[0]);   // attributes: none are defined
        VarintCoding.Write(_buffer, timestampDelta);
        VarintCoding.Write(_buffer, offsetDelta);
        WriteField(key, hasKey);
        WriteField(value, hasValue);
        VarintCoding.Write(_buffer, headerCount);
        _maxTimestamp = Math.Max(_maxTimestamp, timestampMs);
        _lastOffsetDelta = offsetDelta;
        Count++;
    }

    private void WriteField(ReadOnlySpan<byte> bytes, bool present)
    {
        VarintCoding.Write(_buffer, present ? bytes.Length : -1);
        _buffer.Write(bytes);
    }

    private void WriteHeader(Span<byte> batch)
    {
        bool usesAppendTime = _options.TimestampType == TimestampType.LogAppendTime;
        int attributes = (int)_options.Codec
            | (usesAppendTime ? RecordBatchHeader.LogAppendTimeFlag : 0)
            | (_options.IsTransactional ? RecordBatchHeader.TransactionalFlag : 0)
            | (_options.IsControl ? RecordBatchHeader.ControlFlag : 0)
            | (_options.DeleteHorizonMs >= 0 ? RecordBatchHeader.DeleteHorizonFlag : 0);
        BinaryPrimitives.WriteInt64BigEndian(batch, _options.BaseOffset);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.LengthPosition..], batch.Length - RecordBatchHeader.LengthOverhead);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.LeaderEpochPosition..], _options.PartitionLeaderEpoch);
        batch[RecordBatchHeader.MagicPosition] = 2;
        BinaryPrimitives.WriteInt16BigEndian(batch[RecordBatchHeader.AttributesPosition..], (short)attributes);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.LastOffsetDeltaPosition..], Math.Max(Math.Max(_lastOffsetDelta, _options.LastOffsetDelta), 0));
        BinaryPrimitives.WriteInt64BigEndian(batch[RecordBatchHeader.BaseTimestampPosition..], Count == 0 ? -1 : _baseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(
            batch[RecordBatchHeader.MaxTimestampPosition..], usesAppendTime && _options.LogAppendTimeMs >= 0 ? _options.LogAppendTimeMs : _maxTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(batch[RecordBatchHeader.ProducerIdPosition..], _options.ProducerId);
        BinaryPrimitives.WriteInt16BigEndian(batch[RecordBatchHeader.ProducerEpochPosition..], _options.ProducerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.BaseSequencePosition..], _options.BaseSequence);
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.RecordCountPosition..], Count);
        RecordBatchPatch.UpdateCrc(batch);
    }
}
