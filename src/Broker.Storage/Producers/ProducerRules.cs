using System.Globalization;
using Broker.Protocol;

namespace Broker.Storage;

/// <summary>The checks of KIP-98 on a batch, given what is known of its producer. Pure.</summary>
internal static class ProducerRules
{
    /// <summary><paramref name="state"/> is null for a producer that this log does not know (any more); <paramref name="offset"/> is what the batch would get.</summary>
    public static ProducerVerdict Check(in BatchInfo batch, ProducerState? state, AppendOrigin origin, TopicPartition where, long offset)
    {
        if (origin == AppendOrigin.Client && state is not null && !batch.IsControl && state.TryFindDuplicate(batch, out SequenceRange duplicate))
        {
            return new ProducerVerdict(ErrorCode.None, null, true, duplicate);
        }

        short knownEpoch = state?.Epoch ?? ProducerState.NoEpoch;
        if (batch.ProducerEpoch < knownEpoch && origin != AppendOrigin.Replication)
        {
            return ProducerVerdict.Refused(ErrorCode.InvalidProducerEpoch, string.Create(
                CultureInfo.InvariantCulture,
                $"Epoch of producer {batch.ProducerId} at offset {offset} in {where} is {batch.ProducerEpoch}, which is smaller than the last seen epoch {knownEpoch}"));
        }

        if (batch.IsControl)
        {
            return ProducerVerdict.Accepted;
        }

        if (origin == AppendOrigin.Client && CheckSequence(batch, state, knownEpoch, where, offset) is { } refusal)
        {
            return refusal;
        }

        if (state is { TransactionFirstOffset: >= 0 } && !batch.IsTransactional)
        {
            return ProducerVerdict.Refused(ErrorCode.InvalidTxnState, string.Create(
                CultureInfo.InvariantCulture,
                $"Expected transactional write from producer {batch.ProducerId} at offset {offset} in partition {where}"));
        }

        return ProducerVerdict.Accepted;
    }

    /// <summary>
    /// A transaction opens here only with the verification that counts now, and with the first batch that was asked for. Without <paramref name="isRequired"/>
    /// only the order of the batches is checked.
    /// </summary>
    public static ProducerVerdict CheckVerified(
        in BatchInfo batch, ProducerState? state, TransactionVerification? given, TransactionVerification? current, bool isRequired, TopicPartition where)
    {
        if (!batch.IsTransactional || batch.IsControl || state?.HasOpenTransaction(batch.ProducerEpoch) == true)
        {
            return ProducerVerdict.Accepted;
        }

        if (isRequired && (given is null || given != current))
        {
            return ProducerVerdict.Refused(ErrorCode.InvalidTxnState, string.Create(
                CultureInfo.InvariantCulture,
                $"{where} is not part of an open transaction of producer {batch.ProducerId}, epoch {batch.ProducerEpoch}: it was never added, or the transaction has ended meanwhile"));
        }

        return given is not null && given == current && batch.BaseSequence > given.LowestSequence
            ? ProducerVerdict.Refused(ErrorCode.OutOfOrderSequenceNumber, string.Create(
                CultureInfo.InvariantCulture,
                $"Out of order sequence number for producer {batch.ProducerId} in partition {where}: {batch.BaseSequence} came before {given.LowestSequence}, with which the transaction begins here"))
            : ProducerVerdict.Accepted;
    }

    public static ProducerVerdict CheckMarker(in BatchInfo batch, ControlRecord marker, ProducerState? state, AppendOrigin origin, TopicPartition where)
    {
        if (state is null || marker.CoordinatorEpoch >= state.CoordinatorEpoch || origin == AppendOrigin.Replication)
        {
            return ProducerVerdict.Accepted;
        }

        return ProducerVerdict.Refused(ErrorCode.TransactionCoordinatorFenced, string.Create(
            CultureInfo.InvariantCulture,
            $"Invalid coordinator epoch for producerId {batch.ProducerId} in partition {where}: {marker.CoordinatorEpoch} (zombie), {state.CoordinatorEpoch} (current)"));
    }

    private static ProducerVerdict? CheckSequence(in BatchInfo batch, ProducerState? state, short knownEpoch, TopicPartition where, long offset)
    {
        if (batch.ProducerEpoch != knownEpoch)
        {
            // A producer that the log does not know may start anywhere: its records may have been deleted, or the snapshot expired.
            bool mayStartHere = batch.BaseSequence == 0 || knownEpoch == ProducerState.NoEpoch;
            return mayStartHere
                ? null
                : ProducerVerdict.Refused(ErrorCode.OutOfOrderSequenceNumber, string.Create(
                    CultureInfo.InvariantCulture,
                    $"Invalid sequence number for new epoch of producer {batch.ProducerId} at offset {offset} in partition {where}: "
                    + $"{batch.ProducerEpoch} (request epoch), {batch.BaseSequence} (seq. number), {knownEpoch} (current producer epoch)"));
        }

        int last = state?.LastSequence ?? ProducerState.NoSequence;
        bool isNext = batch.BaseSequence == last + 1L || (batch.BaseSequence == 0 && last == int.MaxValue);
        return isNext || knownEpoch == ProducerState.NoEpoch
            ? null
            : ProducerVerdict.Refused(ErrorCode.OutOfOrderSequenceNumber, string.Create(
                CultureInfo.InvariantCulture,
                $"Out of order sequence number for producer {batch.ProducerId} at offset {offset} in partition {where}: {batch.BaseSequence} (incoming seq. number), {last} (current end sequence number)"));
    }
}
