using System.Buffers.Binary;
using Broker.Protocol.Records;
using Microsoft.Extensions.Logging;

namespace Broker.Coordination;

/// <summary>
/// Reads one partition of a coordinator's topic from its start to the end it has now, and applies it to a shard that nobody else sees yet. Memory beyond
/// what is loaded: one buffer, as large as configured or as the largest batch. One use; blocks on the disk.
/// </summary>
internal abstract class CoordinatorLoader<TShard>
    where TShard : class
{
    /// <summary>No log accepts batches near this size: a header that claims more is broken.</summary>
    private const int MaxBatchBytes = 512 * 1024 * 1024;

    protected const long NoTransaction = -1;

    private readonly string _topic;
    private readonly ICoordinatorLog _log;
    private readonly int _partition;
    private readonly CoordinatorClock _clock;
    private readonly ILogger _logger;
    private readonly SortedDictionary<short, int> _unknownKeys = [];
    private byte[] _buffer;

    protected CoordinatorLoader(string topic, ICoordinatorLog log, int partition, int bufferBytes, CoordinatorClock clock, ILogger logger)
    {
        _topic = topic;
        _log = log;
        _partition = partition;
        _clock = clock;
        _logger = logger;
        _buffer = _log.StartOffset(partition) < _log.EndOffset(partition) ? new byte[Math.Max(bufferBytes, RecordBatchHeader.Size)] : [];
    }

    /// <summary>Ends early when <paramref name="isCancelled"/> says that nobody wants the shard any more.</summary>
    public void Load(TShard shard, Func<bool> isCancelled)
    {
        long startMs = _clock.Now.MonotonicMs;
        long offset = _log.StartOffset(_partition);
        long endOffset = _log.EndOffset(_partition);
        if (offset >= endOffset)
        {
            return;
        }
        CoordinationLog.LoadStarted(_logger, _topic, _partition, offset, endOffset);
        while (offset < endOffset && !isCancelled())
        {
            int read = _log.Read(_partition, offset, _buffer);
            long next = ApplyBatches(shard, offset, endOffset, read);
            if (next == offset && !TryGrow(read))
            {
                throw new InvalidRecordsException($"{_topic}-{_partition} ends at offset {offset}, before its end offset {endOffset}");
            }
            offset = next;
        }
        foreach ((short version, int count) in _unknownKeys)
        {
            CoordinationLog.UnknownRecords(_logger, count, _topic, _partition, version);
        }
        Loaded(shard, _logger, _partition, _clock.Now.MonotonicMs - startMs);
    }

    /// <summary>Applies the whole batches in the buffer; the offset behind the last of them.</summary>
    private long ApplyBatches(TShard shard, long offset, long endOffset, int read)
    {
        // Each batch's checksum is checked when it is applied: one that is damaged costs what is in it, not the partition.
        var batches = new RecordBatchScanner(_buffer.AsSpan(0, read), verifyCrc: false);
        while (offset < endOffset && batches.MoveNext())
        {
            long lastOffset = batches.TryReadHeader(out RecordBatchHeader header) ? header.LastOffset : BinaryPrimitives.ReadInt64BigEndian(batches.Current);
            if (lastOffset < offset)
            {
                continue;
            }
            try
            {
                ApplyBatch(shard, batches);
            }
            catch (InvalidRecordsException e)
            {
                // What is in this batch is lost; that is no reason to refuse every other group of the partition.
                CoordinationLog.UnreadableRecord(_logger, _topic, _partition, offset, e.Message);
            }
            offset = lastOffset + 1;
        }
        if (batches.Defect is not (BatchDefect.None or BatchDefect.Incomplete))
        {
            throw new InvalidRecordsException($"{_topic}-{_partition} has no sound batch at offset {offset} ({batches.Defect})");
        }
        return offset;
    }

    /// <summary>The buffer holds less than one batch: makes room for it, if it is that.</summary>
    private bool TryGrow(int read)
    {
        if (read < RecordBatchHeader.LengthOverhead)
        {
            return false;
        }
        long size = RecordBatchHeader.LengthOverhead + (long)BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(sizeof(long)));
        if (size <= _buffer.Length || size > MaxBatchBytes)
        {
            return false;
        }
        _buffer = new byte[size];
        return true;
    }

    private void ApplyBatch(TShard shard, in RecordBatchScanner batches)
    {
        if (!RecordBatchScanner.HasValidCrc(batches.Current))
        {
            throw new InvalidRecordsException("the batch does not match its checksum");
        }

        if (batches.Magic < 2)
        {
            ApplyLegacy(shard, batches.Current);
            return;
        }
        using var reader = new RecordBatchReader(batches.Current);
        RecordBatchHeader header = reader.Header;
        while (reader.MoveNext(out Record record))
        {
            if (header.IsControl)
            {
                ApplyMarker(shard, header.ProducerId, record.Key);
            }
            else
            {
                Apply(shard, header.IsTransactional ? header.ProducerId : NoTransaction, record.Offset, record.Key, record.HasValue, record.Value);
            }
        }
    }

    /// <summary>A message of magic 0 or 1, which Kafka before 0.11 wrote.</summary>
    private void ApplyLegacy(TShard shard, ReadOnlySpan<byte> message)
    {
        using var reader = new LegacyMessageSetReader(message);
        while (reader.MoveNext(out LegacyRecord record))
        {
            Apply(shard, NoTransaction, record.Offset, record.Key, record.HasValue, record.Value);
        }
    }

    /// <summary>The key of a control record: version, then 0 for ABORT and 1 for COMMIT. Others are not about transactions.</summary>
    private void ApplyMarker(TShard shard, long producerId, ReadOnlySpan<byte> key)
    {
        if (key.Length >= 4 && BinaryPrimitives.ReadInt16BigEndian(key[2..]) is (0 or 1) and var type)
        {
            EndTransaction(shard, producerId, isCommit: type == 1);
        }
    }

    private void Apply(TShard shard, long transactionalProducerId, long offset, ReadOnlySpan<byte> key, bool hasValue, ReadOnlySpan<byte> value)
    {
        try
        {
            ReadOnlyMemory<byte>? valueBytes = hasValue ? value.ToArray().AsMemory() : default(ReadOnlyMemory<byte>?);
            if (!TryApply(shard, transactionalProducerId, key.ToArray(), valueBytes))
            {
                short version = GroupRecordCodec.KeyVersion(key);
                _unknownKeys[version] = _unknownKeys.GetValueOrDefault(version) + 1;
            }
        }
        catch (ProtocolException e)
        {
            // One record that cannot be read costs its own subject, not the thousand others of the partition.
            CoordinationLog.UnreadableRecord(_logger, _topic, _partition, offset, e.Message);
        }
    }

    /// <summary>Applies one record; false when its kind is not known. <paramref name="transactionalProducerId"/> is -1 outside a transaction.</summary>
    /// <exception cref="ProtocolException">The record cannot be read.</exception>
    protected abstract bool TryApply(TShard shard, long transactionalProducerId, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte>? value);

    protected virtual void EndTransaction(TShard shard, long producerId, bool isCommit)
    {
    }

    protected abstract void Loaded(TShard shard, ILogger logger, int partition, long elapsedMs);
}
