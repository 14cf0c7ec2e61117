namespace Broker.Coordination;

/// <content>EndTxn, markers, timeouts and expiry.</content>
internal sealed partial class TransactionShard
{
    /// <summary>
    /// With <paramref name="clientVersion"/> 2 every end raises the epoch, so a delayed request of an earlier transaction is told apart from one of this;
    /// <paramref name="freshId"/> (-1 for none) is used when the epochs are used up. Answered when the decision is in the log.
    /// </summary>
    public void End(string id, long producerId, short epoch, bool isCommit, short clientVersion, long freshId, Call<ProducerResult> call, Moment now, Effects effects)
    {
        if (id.Length == 0 || !_entries.TryGetValue(id, out Entry? entry))
        {
            effects.Answer(call, new ProducerResult(id.Length == 0 ? ErrorCode.InvalidRequest : ErrorCode.InvalidProducerIdMapping));
            return;
        }
        TransactionSnapshot current = entry.Current;
        // While the completion is being appended a repeated request is still one of this transaction, not of a fenced producer.
        bool bumped = current.BumpsEpoch && (current.IsPrepared || (current.IsComplete && !entry.IsPending));
        bool isRetry = bumped && clientVersion >= 2 && (
            (producerId == current.ProducerId && epoch == current.Epoch - 1)
            || (producerId == current.PreviousProducerId && epoch == TransactionSnapshot.LastUsableEpoch && current.Epoch == 0));
        ErrorCode error = isRetry ? ErrorCode.None : Check(id, producerId, epoch, out _);
        if (error == ErrorCode.None && entry.IsPending)
        {
            error = ErrorCode.ConcurrentTransactions;
        }
        if (error != ErrorCode.None)
        {
            effects.Answer(call, new ProducerResult(error));
            return;
        }
        bool isSame = (current.State is TransactionState.PrepareCommit or TransactionState.CompleteCommit) == isCommit;
        bool mayAbortNothing = clientVersion >= 2 && !isCommit && !isRetry && !current.IsPrepared;
        if (freshId == TransactionSnapshot.NoProducer && clientVersion >= 2 && current.IsEpochExhausted)
        {
            // The epochs were used up only now, by a fencing: the client comes again.
            effects.Answer(call, new ProducerResult(ErrorCode.ConcurrentTransactions));
        }
        else if (current.State == TransactionState.Ongoing || mayAbortNothing)
        {
            Prepare(entry, isCommit, clientVersion, freshId, call, now, effects);
        }
        else if (current.State == TransactionState.Empty || !isSame || (current.BumpsEpoch && !isRetry))
        {
            effects.Answer(call, new ProducerResult(ErrorCode.InvalidTxnState));
        }
        else
        {
            effects.Answer(call, current.IsPrepared ? new ProducerResult(ErrorCode.ConcurrentTransactions) : new ProducerResult(ErrorCode.None, current.ProducerId, current.Epoch));
        }
    }

    /// <summary>Markers of an attempt were written, or their partitions no longer exist; the others are tried again.</summary>
    public void MarkersWritten(string id, long attempt, IReadOnlyCollection<TopicPartition> done, Moment now, Effects effects)
    {
        if (!_entries.TryGetValue(id, out Entry? entry) || entry.Attempt != attempt || !entry.Current.IsPrepared)
        {
            return;
        }
        entry.Unmarked.ExceptWith(done);
        if (entry.Unmarked.Count == 0)
        {
            Complete(entry, now, effects);
        }
        else
        {
            RetryLater(entry, now);
        }
    }

    public void Advance(Moment now, Effects effects)
    {
        while (_retries.TryPeek(out Entry? entry, out long dueMs) && dueMs <= now.MonotonicMs)
        {
            _retries.Dequeue();
            if (entry.RetryAtMs != dueMs)
            {
                continue;
            }
            if (entry.Decide is { } decide)
            {
                entry.Decide = null;
                decide(effects);
            }
            else if (entry.Unmarked.Count == 0)
            {
                Complete(entry, now, effects);
            }
            else
            {
                SendMarkers(entry, effects);
            }
        }
        if (now.MonotonicMs >= _nextCheckMs)
        {
            _nextCheckMs = now.MonotonicMs + settings.TimeoutCheckIntervalMs;
            foreach (Entry entry in _entries.Values)
            {
                if (entry is { IsPending: false, Current.State: TransactionState.Ongoing } && entry.Current.StartMs + entry.Current.TimeoutMs < now.UnixMs)
                {
                    AbortAndFence(entry, null, TransactionNoteKind.TimedOut, $"open for longer than {entry.Current.TimeoutMs} ms: aborted", now, effects);
                }
            }
        }
        if (now.MonotonicMs >= _nextExpiryMs)
        {
            _nextExpiryMs = now.MonotonicMs + settings.ExpiryCheckIntervalMs;
            Expire(now, effects);
        }
    }

    private void Expire(Moment now, Effects effects)
    {
        foreach (Entry entry in _entries.Values)
        {
            bool isIdle = !entry.IsPending && (entry.Current.State == TransactionState.Empty || entry.Current.IsComplete);
            if (!isIdle || entry.Current.LastUpdateMs + settings.IdExpirationMs > now.UnixMs)
            {
                continue;
            }
            entry.IsPending = true;
            effects.Append([new TransactionRecord(entry.Id, null)], (error, _, _) =>
            {
                entry.IsPending = false;
                if (error == ErrorCode.None && _entries.TryGetValue(entry.Id, out Entry? present) && present == entry)
                {
                    _entries.Remove(entry.Id);
                }
            });
        }
    }

    private void AbortAndFence(Entry entry, Call<ProducerResult>? call, TransactionNoteKind kind, string text, Moment now, Effects effects)
    {
        TransactionSnapshot next = entry.Current with
        {
            State = TransactionState.PrepareAbort, Epoch = (short)(entry.Current.Epoch + 1), LastEpoch = TransactionSnapshot.NoEpoch, ClientVersion = 0, LastUpdateMs = now.UnixMs,
        };
        effects.TransactionNotes.Add(new TransactionNote(kind, entry.Id, next.ProducerId, next.Epoch, text));
        Write(entry, next, call, effects, (later, fx) =>
        {
            BeginMarkers(entry, later, fx);
            return new ProducerResult(ErrorCode.ConcurrentTransactions);
        });
    }

    private void Prepare(Entry entry, bool isCommit, short clientVersion, long freshId, Call<ProducerResult> call, Moment now, Effects effects)
    {
        TransactionSnapshot current = entry.Current;
        bool bumps = clientVersion >= 2;
        bool rotates = bumps && current.IsEpochExhausted;
        TransactionSnapshot next = current with
        {
            State = isCommit ? TransactionState.PrepareCommit : TransactionState.PrepareAbort,
            Epoch = bumps ? (short)(current.Epoch + 1) : current.Epoch,
            LastEpoch = bumps ? current.Epoch : current.LastEpoch,
            NextProducerId = rotates ? freshId : TransactionSnapshot.NoProducer,
            StartMs = current.State == TransactionState.Ongoing ? current.StartMs : now.UnixMs,
            LastUpdateMs = now.UnixMs,
            ClientVersion = clientVersion,
        };
        Write(entry, next, call, effects, (later, fx) =>
        {
            BeginMarkers(entry, later, fx);
            return rotates ? new ProducerResult(ErrorCode.None, freshId, 0) : new ProducerResult(ErrorCode.None, next.ProducerId, next.Epoch);
        });
    }

    private void BeginMarkers(Entry entry, Moment now, Effects effects)
    {
        entry.Unmarked = [.. entry.Current.Partitions];
        if (entry.Unmarked.Count == 0)
        {
            Complete(entry, now, effects);
        }
        else
        {
            SendMarkers(entry, effects);
        }
    }

    private void SendMarkers(Entry entry, Effects effects)
    {
        TransactionSnapshot current = entry.Current;
        entry.RetryAtMs = Moment.Never;
        entry.Attempt = ++_attempts;
        effects.Markers.Add(new MarkerWork(
            entry.Id, current.ProducerId, current.Epoch, coordinatorEpoch, current.State == TransactionState.PrepareCommit, [.. entry.Unmarked], entry.Attempt));
    }

    private void Complete(Entry entry, Moment now, Effects effects)
    {
        entry.RetryAtMs = Moment.Never;
        if (entry.IsPending)
        {
            return;
        }
        TransactionSnapshot current = entry.Current;
        bool rotates = current.NextProducerId != TransactionSnapshot.NoProducer;
        Write(entry, current with
        {
            State = current.State == TransactionState.PrepareCommit ? TransactionState.CompleteCommit : TransactionState.CompleteAbort,
            ProducerId = rotates ? current.NextProducerId : current.ProducerId,
            PreviousProducerId = current.ProducerId,
            NextProducerId = TransactionSnapshot.NoProducer,
            Epoch = rotates ? (short)0 : current.Epoch,
            Partitions = [],
            LastUpdateMs = now.UnixMs,
        }, null, effects, static (_, _) => new ProducerResult(ErrorCode.None));
    }
}
