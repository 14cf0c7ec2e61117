namespace Broker.Coordination;

/// <content>InitProducerId.</content>
internal sealed partial class TransactionShard
{
    /// <summary>
    /// <paramref name="expectedId"/> and <paramref name="expectedEpoch"/> are -1 for a producer that starts anew. <paramref name="freshId"/> is an unused
    /// producer id, which is taken for a new transactional id and when the epochs of the old one are used up; -1 when none was expected to be needed.
    /// </summary>
    public void InitProducer(
        string id, int timeoutMs, long expectedId, short expectedEpoch, long freshId, Call<ProducerResult> call, Moment now, Effects effects)
    {
        ErrorCode error = id.Length == 0 ? ErrorCode.InvalidRequest
            : timeoutMs <= 0 || timeoutMs > settings.MaxTimeoutMs ? ErrorCode.InvalidTransactionTimeout
            : freshId == TransactionSnapshot.NoProducer && NeedsFreshId(id) ? ErrorCode.ConcurrentTransactions
            : ErrorCode.None;
        if (error != ErrorCode.None)
        {
            effects.Answer(call, new ProducerResult(error));
            return;
        }
        if (!_entries.TryGetValue(id, out Entry? entry))
        {
            _entries[id] = entry = new Entry(id, new TransactionSnapshot { ProducerId = freshId });
        }
        TransactionSnapshot current = entry.Current;
        bool isKnown = expectedEpoch == TransactionSnapshot.NoEpoch || current.Epoch == TransactionSnapshot.NoEpoch || expectedId == current.ProducerId
            || (expectedId == current.PreviousProducerId && expectedEpoch >= TransactionSnapshot.LastUsableEpoch);
        if (entry.IsPending || (isKnown && current.IsPrepared))
        {
            effects.Answer(call, new ProducerResult(ErrorCode.ConcurrentTransactions));
        }
        else if (!isKnown)
        {
            effects.Answer(call, new ProducerResult(ErrorCode.ProducerFenced));
        }
        else if (current.State == TransactionState.Ongoing)
        {
            // What the producer before left open is aborted under a higher epoch, which fences it; the new one comes again.
            AbortAndFence(entry, call, TransactionNoteKind.Fenced, "a new producer ends the open transaction of the one before", now, effects);
        }
        else if (Next(current, timeoutMs, expectedEpoch, freshId, now) is { } next)
        {
            Write(entry, next, call, effects, (_, _) => new ProducerResult(ErrorCode.None, next.ProducerId, next.Epoch));
        }
        else
        {
            effects.Answer(call, new ProducerResult(ErrorCode.ProducerFenced));
        }
    }

    /// <summary>Null when the producer is not the one that may go on.</summary>
    private static TransactionSnapshot? Next(TransactionSnapshot current, int timeoutMs, short expectedEpoch, long freshId, Moment now)
    {
        bool isNew = expectedEpoch == TransactionSnapshot.NoEpoch;
        TransactionSnapshot idle = current with
        {
            State = TransactionState.Empty, Partitions = [], StartMs = -1, TimeoutMs = timeoutMs, LastUpdateMs = now.UnixMs, NextProducerId = TransactionSnapshot.NoProducer,
        };
        if (current.IsEpochExhausted && (isNew || expectedEpoch == current.Epoch))
        {
            return idle with { ProducerId = freshId, PreviousProducerId = current.ProducerId, Epoch = 0, LastEpoch = isNew ? TransactionSnapshot.NoEpoch : current.Epoch };
        }
        if (isNew || current.Epoch == TransactionSnapshot.NoEpoch || expectedEpoch == current.Epoch)
        {
            return idle with { Epoch = (short)(current.Epoch + 1), LastEpoch = isNew ? TransactionSnapshot.NoEpoch : current.Epoch };
        }

        // The answer to the bump before was lost: it is given again.
        return expectedEpoch == current.LastEpoch ? idle : null;
    }
}
