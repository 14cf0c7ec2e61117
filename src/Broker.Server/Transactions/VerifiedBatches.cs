using Broker.Protocol;
using Broker.Storage;

namespace Broker.Server;

/// <summary>What came out of asking the coordinator about the transactional batches of one Produce request.</summary>
internal sealed class VerifiedBatches
{
    /// <summary>For requests outside transactions: nothing was asked.</summary>
    public static readonly VerifiedBatches None = new();

    private readonly Dictionary<TopicPartition, Verdict> _verdicts = [];

    public void Add(TopicPartition partition, Verdict verdict) => _verdicts[partition] = verdict;

    /// <summary>The default when the partition needed no question: its transaction is open there, or the batch is not transactional.</summary>
    public Verdict For(TopicPartition partition) => _verdicts.GetValueOrDefault(partition);

    /// <param name="Error">What the producer is told instead of an append; None to append.</param>
    /// <param name="Message">For the producer.</param>
    /// <param name="Verification">Goes to the log with the batch.</param>
    internal readonly record struct Verdict(ErrorCode Error, string? Message, TransactionVerification? Verification);
}
