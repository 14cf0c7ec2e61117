namespace Broker.Storage;

/// <summary>What one pass goes by.</summary>
/// <param name="NowMs">Time of the pass.</param>
/// <param name="DeleteRetentionMs">How long a tombstone, or a marker without records, is still kept from the first pass that sees it.</param>
/// <param name="EndOffset">The offset after the last one in the map: where the log is clean up to when the pass is done.</param>
/// <param name="LastBatches">Of each producer known: the last offset of its last batch (-1 without one) and its epoch. These batches are not forgotten.</param>
internal sealed record CleaningRules(long NowMs, long DeleteRetentionMs, long EndOffset, IReadOnlyDictionary<long, ProducerEnd> LastBatches)
{
    /// <summary>The producer's last sequence, or the epoch that its last marker gave it, is known after a restart only from this batch.</summary>
    public bool IsLastOfProducer(in BatchInfo batch) =>
        batch.HasProducer
        && LastBatches.TryGetValue(batch.ProducerId, out ProducerEnd last)
        && (last.LastDataOffset >= 0 ? batch.LastOffset == last.LastDataOffset : batch.IsControl && batch.ProducerEpoch == last.Epoch);

    /// <summary>Must this batch stay though all its records go?</summary>
    public bool KeepsEmpty(in BatchInfo batch) => batch.Magic >= 2 && (IsLastOfProducer(batch) || batch.LastOffset + 1 == EndOffset);
}

/// <summary>How far a producer has come in a log.</summary>
/// <param name="LastDataOffset">Last offset of its last batch of records, -1 when only a marker is known.</param>
/// <param name="Epoch">Its epoch.</param>
internal readonly record struct ProducerEnd(long LastDataOffset, short Epoch);
