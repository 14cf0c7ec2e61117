namespace Broker.Coordination;

/// <summary>Offsets of a transaction on their way to the log, and how the transaction ended if its marker overtook the news of the append.</summary>
internal sealed class PendingTransaction(long producerId)
{
    public long ProducerId { get; } = producerId;

    /// <summary>Null while no marker was seen.</summary>
    public bool? Outcome { get; set; }
}
