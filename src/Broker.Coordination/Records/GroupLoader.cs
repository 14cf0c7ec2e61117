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
        int position = 0;
        while (offset < endOffset && read - position >= RecordBatchHeader.Size)
        {
            if (!RecordBatchHeader.TryRead(_buffer.AsSpan(position, read - position), out RecordBatchHeader header))
            {
                throw new InvalidRecordsException(
                    $"__consumer_offsets-{_partition} has a batch of magic {_buffer[position + 16]} at offset {offset}; only magic 2 (Kafka 0.11 and later) can be loaded");
            }
            if (header.BatchLength < RecordBatchHeader.Size - RecordBatchHeader.LengthOverhead)
            {
                throw new InvalidRecordsException($"__consumer_offsets-{_partition} has a batch of length {header.BatchLength} at offset {offset}");
            }
            if (header.SizeInBytes > read - position)
            {
                break;
            }
            if (header.LastOffset >= offset)
            {
                ApplyBatch(shard, header, _buffer.AsMemory(position, header.SizeInBytes));
                offset = header.LastOffset + 1;
            }
            position += header.SizeInBytes;
        }
        return offset;
    }

    /// <summary>The buffer holds less than one batch: makes room for it, if it is that.</summary>
    private bool TryGrow(int read)
    {
        if (!RecordBatchHeader.TryRead(_buffer.AsSpan(0, read), out RecordBatchHeader header))
        {
            return false;
        }
        if (header.SizeInBytes <= _buffer.Length || header.SizeInBytes > MaxBatchBytes)
        {
            return false;
        }
        _buffer = new byte[header.SizeInBytes];
        return true;
    }

    private void ApplyBatch(GroupShard shard, in RecordBatchHeader header, ReadOnlyMemory<byte> batch)
    {
        ReadOnlyMemory<byte> records = batch[RecordBatchHeader.Size..];
        if (header.Codec == CompressionCodec.None)
        {
            ApplyRecords(shard, header, records.Span);
            return;
        }
        using BoundedBuffer decompressed = RecordCompression.Decompress(header.Codec, records, RecordCompression.DefaultMaxBytes);
        ApplyRecords(shard, header, decompressed.Span);
    }

    private void ApplyRecords(GroupShard shard, in RecordBatchHeader header, ReadOnlySpan<byte> records)
    {
        var cursor = new RecordCursor(header, records);
        while (cursor.MoveNext(out Record record))
        {
            if (header.IsControl)
            {
                ApplyMarker(shard, header.ProducerId, record.Key);
            }
            else
            {
                Apply(shard, header, record);
            }
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

    private void Apply(GroupShard shard, in RecordBatchHeader header, in Record record)
    {
        try
        {
            ReadOnlyMemory<byte>? value = record.HasValue ? record.Value.ToArray().AsMemory() : default(ReadOnlyMemory<byte>?);
            GroupRecord? decoded = GroupRecordCodec.Decode(record.Key.ToArray(), value);
            if (decoded is null)
            {
                short version = GroupRecordCodec.KeyVersion(record.Key);
                _unknownKeys[version] = _unknownKeys.GetValueOrDefault(version) + 1;
            }
            else if (header.IsTransactional && decoded is OffsetRecord commit)
            {
                shard.ApplyTransactional(header.ProducerId, commit);
            }
            else
            {
                shard.Apply(decoded);
            }
        }
        catch (ProtocolException e)
        {
            // One record that cannot be read costs its group or offset, not the thousand others of the partition.
            CoordinationLog.UnreadableRecord(_logger, _partition, record.Offset, e.Message);
        }
    }
}
