using System.Buffers.Binary;
using Broker.Protocol.Records;
using Microsoft.Extensions.Logging;

namespace Broker.Coordination;

/// <summary>
/// Reads one partition of __consumer_offsets from its start to the end it has now, and applies it to a shard that nobody else sees yet. Memory beyond the
/// groups themselves: one buffer, as large as configured or as the largest batch. One use; blocks on the disk.
/// </summary>
internal sealed class GroupLoader
{
    /// <summary>No log accepts batches near this size: a header that claims more is broken.</summary>
    private const int MaxBatchBytes = 512 * 1024 * 1024;

    private const long NoTransaction = -1;

    private readonly ICoordinatorLog _log;
    private readonly int _partition;
    private readonly CoordinatorClock _clock;
    private readonly ILogger _logger;
    private readonly SortedDictionary<short, int> _unknownKeys = [];
    private byte[] _buffer;

    public GroupLoader(ICoordinatorLog log, int partition, int bufferBytes, CoordinatorClock clock, ILogger logger)
    {
        _log = log;
        _partition = partition;
        _clock = clock;
        _logger = logger;
        _buffer = _log.StartOffset(partition) < _log.EndOffset(partition) ? new byte[Math.Max(bufferBytes, RecordBatchHeader.Size)] : [];
    }

    /// <summary>Ends early when <paramref name="isCancelled"/> says that nobody wants the shard any more.</summary>
    public void Load(GroupShard shard, Func<bool> isCancelled)
    {
        long startMs = _clock.Now.MonotonicMs;
        long offset = _log.StartOffset(_partition);
        long endOffset = _log.EndOffset(_partition);
        if (offset >= endOffset)
        {
            return;
        }
        CoordinationLog.LoadStarted(_logger, _partition, offset, endOffset);
        while (offset < endOffset && !isCancelled())
        {
            int read = _log.Read(_partition, offset, _buffer);
            long next = ApplyBatches(shard, offset, endOffset, read);
            if (next == offset && !TryGrow(read))
            {
                throw new InvalidRecordsException($"__consumer_offsets-{_partition} ends at offset {offset}, before its end offset {endOffset}");
            }
            offset = next;
        }
        foreach ((short version, int count) in _unknownKeys)
        {
            CoordinationLog.UnknownRecords(_logger, count, _partition, version);
        }
        CoordinationLog.LoadFinished(_logger, shard.Groups.Count, shard.Groups.Sum(group => group.Offsets.Count), _partition, _clock.Now.MonotonicMs - startMs);
    }

    /// <summary>Applies the whole batches in the buffer; the offset behind the last of them.</summary>
    private long ApplyBatches(GroupShard shard, long offset, long endOffset, int read)
    {
        // The log has checked the CRCs when it was opened.
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
                CoordinationLog.UnreadableRecord(_logger, _partition, offset, e.Message);
            }
            offset = lastOffset + 1;
        }
        if (batches.Defect is not (BatchDefect.None or BatchDefect.Incomplete))
        {
            throw new InvalidRecordsException($"__consumer_offsets-{_partition} has no sound batch at offset {offset} ({batches.Defect})");
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

    private void ApplyBatch(GroupShard shard, in RecordBatchScanner batches)
    {
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
    private void ApplyLegacy(GroupShard shard, ReadOnlySpan<byte> message)
    {
        using var reader = new LegacyMessageSetReader(message);
        while (reader.MoveNext(out LegacyRecord record))
        {
            Apply(shard, NoTransaction, record.Offset, record.Key, record.HasValue, record.Value);
        }
    }

    /// <summary>The key of a control record: version, then 0 for ABORT and 1 for COMMIT. Others are not about transactions.</summary>
    private static void ApplyMarker(GroupShard shard, long producerId, ReadOnlySpan<byte> key)
    {
        if (key.Length >= 4 && BinaryPrimitives.ReadInt16BigEndian(key[2..]) is (0 or 1) and var type)
        {
            shard.EndTransaction(producerId, isCommit: type == 1);
        }
    }

    private void Apply(GroupShard shard, long transactionalProducerId, long offset, ReadOnlySpan<byte> key, bool hasValue, ReadOnlySpan<byte> value)
    {
        try
        {
            ReadOnlyMemory<byte>? valueBytes = hasValue ? value.ToArray().AsMemory() : default(ReadOnlyMemory<byte>?);
            GroupRecord? decoded = GroupRecordCodec.Decode(key.ToArray(), valueBytes);
            if (decoded is null)
            {
                short version = GroupRecordCodec.KeyVersion(key);
                _unknownKeys[version] = _unknownKeys.GetValueOrDefault(version) + 1;
            }
            else if (transactionalProducerId != NoTransaction && decoded is OffsetRecord commit)
            {
                shard.ApplyTransactional(transactionalProducerId, commit);
            }
            else
            {
                shard.Apply(decoded);
            }
        }
        catch (ProtocolException e)
        {
            // One record that cannot be read costs its group or offset, not the thousand others of the partition.
            CoordinationLog.UnreadableRecord(_logger, _partition, offset, e.Message);
        }
    }
}
