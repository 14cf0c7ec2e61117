namespace Broker.Coordination;

/// <summary>
/// The topic a coordinator keeps its state in (__consumer_offsets, __transaction_state), as far as the coordinator needs it. Implemented by the server over its partitions.
/// Thread-safe. The coordinator itself calls <see cref="AppendAsync"/> for one partition only after the call before has ended, and never on a thread of
/// the transport.
/// </summary>
public interface ICoordinatorLog
{
    /// <summary>Partitions of the topic; 0 while it does not exist.</summary>
    int PartitionCount { get; }

    /// <summary>True while this node leads the partition.</summary>
    bool IsLeader(int partition);

    /// <summary>
    /// Appends one record batch (v2, whose offsets and leader epoch are the log's business; the memory may be patched in place) and waits until it is
    /// committed by the topic's rules, or answers RequestTimedOut after offsets.commit.timeout.ms. Never throws for what a log can do wrong: the answer is
    /// None, or the code that a producer would get. <paramref name="verification"/> is what the log gave to whoever verified the transaction of a transactional
    /// batch; null for other batches.
    /// </summary>
    ValueTask<ErrorCode> AppendAsync(int partition, Memory<byte> recordBatch, object? verification = null);

    /// <summary>
    /// Waits until everything before <paramref name="offset"/> is committed by the topic's rules, for as long as an append would. False when it is not by then, or this node does
    /// not lead the partition any more. The leader epoch is none of its business: who leads goes on leading in a new one whenever a follower leaves, and its log stays what it was.
    /// </summary>
    ValueTask<bool> IsCommittedAsync(int partition, long offset);

    /// <summary>First offset that is there to read.</summary>
    long StartOffset(int partition);

    /// <summary>Offset behind the last record.</summary>
    long EndOffset(int partition);

    /// <summary>
    /// Copies the log from the batch that contains <paramref name="offset"/> on into the buffer, as much as fits; the last batch may be cut off. Answers
    /// the bytes copied, 0 at the end of the log. Blocks on the disk; called by loading only.
    /// </summary>
    int Read(int partition, long offset, Memory<byte> buffer);
}
