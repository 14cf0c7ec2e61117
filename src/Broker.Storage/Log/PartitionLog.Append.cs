using System.Buffers.Binary;
using Broker.Configuration;
using Broker.Protocol;

namespace Broker.Storage;

public sealed partial class PartitionLog
{
    /// <summary>
    /// Validates, assigns offsets, patches <paramref name="records"/> in place (the caller owns the memory) and writes once. Formats 0 and 1 are converted.
    /// What needs no offset (CRC, records, timestamps) is checked before the lock is taken. <paramref name="verification"/>, from
    /// <see cref="BeginVerification"/>, says that the coordinator knows of the transaction that the records may open here.
    /// </summary>
    public AppendResult AppendAsLeader(Memory<byte> records, int leaderEpoch, AppendOrigin origin, TransactionVerification? verification = null)
    {
        if (IsOffline)
        {
            return AppendResult.Failed(ErrorCode.KafkaStorageError, null, LogStartOffset);
        }

        if (!Directory.Admits(records.Length, origin))
        {
            return AppendResult.Failed(ErrorCode.KafkaStorageError, Directory.Refusal, LogStartOffset);
        }

        TopicConfig config = _config;
        long nowMs = _services.NowMs;
        using ValidatedRecords valid = AppendValidation.Validate(records, origin, config, nowMs, TopicPartition);
        if (valid.Error != ErrorCode.None)
        {
            return AppendResult.Failed(valid.Error, valid.ErrorMessage, LogStartOffset, valid.RecordErrors);
        }

        if (valid.Bytes.IsEmpty)
        {
            return AppendResult.Failed(ErrorCode.None, null, LogStartOffset);
        }

        try
        {
            AppendResult result;
            lock (_lock)
            {
                result = AppendLocked(valid, leaderEpoch, origin, verification, config, nowMs);
            }

            // A retry that was recognised has to wait for the flush of its first attempt as well.
            return result.Error == ErrorCode.None && LogEndOffset - RecoveryPoint >= config.FlushMessages ? result with { IsFlushDue = true } : result;
        }
        catch (Exception e) when (IsFailure(e, "append to"))
        {
            return AppendResult.Failed(ErrorCode.KafkaStorageError, Directory.Refusal, LogStartOffset);
        }
    }

    /// <summary>
    /// To be asked before the first transactional batch of a producer: null when its transaction is open here already. Otherwise the coordinator has to be
    /// asked, and the answer is worth something for the append only with what this returns.
    /// </summary>
    public TransactionVerification? BeginVerification(long producerId, short epoch, int firstSequence)
    {
        lock (_lock)
        {
            return _producers.BeginVerification(producerId, epoch, firstSequence, _services.NowMs);
        }
    }

    /// <summary>The coordinator said no for good.</summary>
    public void ForgetVerification(TransactionVerification verification)
    {
        lock (_lock)
        {
            _producers.ForgetVerification(verification);
        }
    }

    private AppendResult AppendLocked(
        in ValidatedRecords valid, int leaderEpoch, AppendOrigin origin, TransactionVerification? verification, TopicConfig config, long nowMs)
    {
        if (_isClosed || HasLostLeadership(leaderEpoch))
        {
            return AppendResult.Failed(ErrorCode.NotLeaderOrFollower, null, _logStartOffset);
        }

        Span<byte> bytes = valid.Bytes.Span;
        long first = _logEndOffset;
        if (Prepare(bytes, leaderEpoch, origin, verification, out long next, out long maxTimestampMs) is { } refusal)
        {
            return refusal;
        }

        _epochs.Assign(leaderEpoch, first);
        if (ShouldRoll(config, nowMs, bytes.Length, maxTimestampMs, next - 1))
        {
            Roll(first, nowMs);
        }

        Active.Append(bytes);
        ApplyProducers(bytes);
        Volatile.Write(ref _logEndOffset, next);
        UpdateLastStableOffset();
        return new AppendResult(ErrorCode.None, null, null, first, next - 1, valid.LogAppendTimeMs, _logStartOffset, false);
    }

    /// <summary>Patches offsets and leader epoch into the batches and asks the producer rules; nothing of the log changes. Not null: why nothing is appended.</summary>
    private AppendResult? Prepare(
        Span<byte> bytes, int leaderEpoch, AppendOrigin origin, TransactionVerification? verification, out long next, out long maxTimestampMs)
    {
        next = _logEndOffset;
        maxTimestampMs = -1;
        Dictionary<long, ProducerState>? staged = null;
        for (int at = 0; at < bytes.Length;)
        {
            Span<byte> batchBytes = bytes[at..];
            BinaryPrimitives.WriteInt64BigEndian(batchBytes, next);
            BinaryPrimitives.WriteInt32BigEndian(batchBytes[12..], leaderEpoch);
            if (!BatchInfo.TryParse(batchBytes, out BatchInfo batch) || batch.Size > batchBytes.Length)
            {
                throw new InvalidOperationException($"Validated records hold no batch at {at} of {bytes.Length} bytes.");
            }

            if (batch.HasProducer && CheckProducer(batch, batchBytes, origin, verification, isAlone: batch.Size == bytes.Length, ref staged) is { } refusal)
            {
                return refusal;
            }

            maxTimestampMs = Math.Max(maxTimestampMs, batch.MaxTimestamp);
            next = batch.LastOffset + 1;
            at += batch.Size;
        }

        return null;
    }

    private AppendResult? CheckProducer(
        in BatchInfo batch, ReadOnlySpan<byte> bytes, AppendOrigin origin, TransactionVerification? verification, bool isAlone, ref Dictionary<long, ProducerState>? staged)
    {
        ProducerState? state = staged?.GetValueOrDefault(batch.ProducerId) ?? _producers.Find(batch.ProducerId);
        ProducerVerdict verdict = ProducerRules.Check(batch, state, origin, TopicPartition, batch.BaseOffset);
        if (verdict.Error == ErrorCode.None && batch.IsControl && ControlRecord.TryParse(bytes[..batch.Size], out ControlRecord marker))
        {
            verdict = ProducerRules.CheckMarker(batch, marker, state, origin, TopicPartition);
        }

        if (verdict is { Error: ErrorCode.None, IsDuplicate: false } && origin != AppendOrigin.Replication)
        {
            verdict = ProducerRules.CheckVerified(batch, state, verification, _producers.Verification(batch.ProducerId), _services.VerifiesTransactions(), TopicPartition);
        }

        if (verdict.Error != ErrorCode.None)
        {
            return AppendResult.Failed(verdict.Error, verdict.Message, _logStartOffset);
        }

        if (verdict.IsDuplicate)
        {
            SequenceRange known = verdict.Duplicate;
            return new AppendResult(ErrorCode.None, null, null, known.FirstOffset, known.LastOffset, known.TimestampMs, _logStartOffset, true);
        }

        if (!isAlone)
        {
            // A later batch of the same set must be checked against this one, though the set may yet be refused as a whole.
            ProducerState next = state?.Clone() ?? new ProducerState(batch.ProducerId);
            if (!batch.IsControl)
            {
                ProducerStates.AddTo(next, batch);
            }

            (staged ??= [])[batch.ProducerId] = next;
        }

        return null;
    }

    private void ApplyProducers(ReadOnlySpan<byte> bytes)
    {
        for (int at = 0; at < bytes.Length;)
        {
            _ = BatchInfo.TryParse(bytes[at..], out BatchInfo batch);
            ApplyProducer(_producers, Active.Transactions, batch, bytes.Slice(at, batch.Size));
            at += batch.Size;
        }
    }

    /// <summary>Shared by appends and by the replay at start.</summary>
    internal static void ApplyProducer(ProducerStates producers, TransactionIndex? transactions, in BatchInfo batch, ReadOnlySpan<byte> bytes)
    {
        ControlRecord? marker = batch.IsControl && ControlRecord.TryParse(bytes, out ControlRecord parsed) ? parsed : null;
        if (producers.Apply(batch, marker) is { IsAborted: true } aborted)
        {
            transactions?.Append(new AbortedTransaction(aborted.ProducerId, aborted.FirstOffset, aborted.LastOffset, producers.StableOffsetAfter(aborted)));
        }
    }
}
