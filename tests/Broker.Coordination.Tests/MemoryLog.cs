using System.Buffers.Binary;
using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Coordination.Tests;

/// <summary>__consumer_offsets in memory: offsets are assigned as a log does. Appends can be held back and made to fail.</summary>
internal sealed class MemoryLog : ICoordinatorLog
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, List<(byte[] Bytes, long EndOffset)>> _batches = [];
    private readonly Dictionary<int, long> _ends = [];
    private TaskCompletionSource? _hold;

    public int PartitionCount { get; set; } = 5;

    public ErrorCode NextError { get; set; }

    public int Appends { get; private set; }

    public bool IsLeader(int partition) => true;

    public void Hold() => _hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release() => _hold?.TrySetResult();

    public async ValueTask<ErrorCode> AppendAsync(int partition, Memory<byte> recordBatch, object? verification = null)
    {
        if (_hold is { } hold)
        {
            await hold.Task;
        }
        lock (_gate)
        {
            Appends++;
            if (NextError != ErrorCode.None)
            {
                return NextError;
            }
            Append(partition, recordBatch.ToArray());
            return ErrorCode.None;
        }
    }

    /// <summary>False until it is true: as when no follower has what was read.</summary>
    public bool IsCommitted { get; set; } = true;

    /// <summary>One release for each question whether something is committed.</summary>
    public SemaphoreSlim CommitQuestions { get; } = new(0);

    public ValueTask<bool> IsCommittedAsync(int partition, long offset)
    {
        CommitQuestions.Release();
        return new(IsCommitted);
    }

    public void Append(int partition, byte[] batch)
    {
        lock (_gate)
        {
            BinaryPrimitives.WriteInt64BigEndian(batch, EndOffset(partition));
            Assert.True(RecordBatchHeader.TryRead(batch, out RecordBatchHeader header));
            Assert.True(RecordBatchHeader.HasValidCrc(batch));
            AppendRaw(partition, batch, header.LastOffset + 1);
        }
    }

    /// <summary>Bytes as they are, which the log's offset is then to be behind.</summary>
    public void AppendRaw(int partition, byte[] bytes, long endOffset)
    {
        lock (_gate)
        {
            if (!_batches.TryGetValue(partition, out List<(byte[] Bytes, long EndOffset)>? batches))
            {
                _batches[partition] = batches = [];
            }
            batches.Add((bytes, endOffset));
            _ends[partition] = endOffset;
        }
    }

    public long StartOffset(int partition) => 0;

    public long EndOffset(int partition) => _ends.GetValueOrDefault(partition);

    public int Read(int partition, long offset, Memory<byte> buffer)
    {
        int copied = 0;
        foreach ((byte[] batch, long endOffset) in _batches.GetValueOrDefault(partition) ?? [])
        {
            if (endOffset <= offset)
            {
                continue;
            }
            int take = Math.Min(batch.Length, buffer.Length - copied);
            batch.AsSpan(0, take).CopyTo(buffer.Span[copied..]);
            copied += take;
            if (take < batch.Length)
            {
                break;
            }
        }
        return copied;
    }
}
