namespace Broker.Storage;

/// <summary>
/// Says that somebody asks the coordinator whether a producer's transaction is open, or has been told so. It is worth something only for the log that gave
/// it out, and only until a marker of the producer is written there: an answer that a marker has overtaken opens nothing again. Its numbers belong to the log.
/// </summary>
public sealed class TransactionVerification
{
    internal TransactionVerification(long producerId, short epoch, int firstSequence, long nowMs)
    {
        ProducerId = producerId;
        Epoch = epoch;
        LowestSequence = firstSequence;
        AskedMs = nowMs;
    }

    internal long ProducerId { get; }

    internal short Epoch { get; }

    /// <summary>The smallest sequence that was asked for: batches behind it wait until it is written, or they would take its place.</summary>
    internal int LowestSequence { get; set; }

    internal long AskedMs { get; set; }
}
