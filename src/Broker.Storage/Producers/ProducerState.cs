using System.Runtime.CompilerServices;

namespace Broker.Storage;

/// <summary>A batch that a producer appended: enough to recognise a retry and to answer it.</summary>
internal readonly record struct SequenceRange(int LastSequence, long LastOffset, int OffsetDelta, long TimestampMs)
{
    public long FirstOffset => LastOffset - OffsetDelta;

    /// <summary>Sequences wrap from 2^31-1 to 0.</summary>
    public int FirstSequence => LastSequence < 0 ? -1 : (int)((LastSequence - (long)OffsetDelta) & int.MaxValue);
}

/// <summary>What the log remembers of one producer: its epoch, its last five batches and its open transaction. Used under the log's lock.</summary>
internal sealed class ProducerState
{
    public const short NoEpoch = -1;
    public const int NoSequence = -1;
    private const int Remembered = 5;

    private SequenceRanges _ranges;
    private int _count;

    public ProducerState(long producerId) => ProducerId = producerId;

    public long ProducerId { get; }

    public short Epoch { get; private set; } = NoEpoch;

    public int CoordinatorEpoch { get; set; } = -1;

    public long LastTimestampMs { get; set; } = -1;

    /// <summary>First offset of the open transaction, -1 without one.</summary>
    public long TransactionFirstOffset { get; set; } = -1;

    public bool HasOpenTransaction(short epoch) => TransactionFirstOffset >= 0 && Epoch == epoch;

    public bool HasBatches => _count > 0;

    public SequenceRange LastBatch => _ranges[_count - 1];

    public int LastSequence => _count > 0 ? LastBatch.LastSequence : NoSequence;

    public ProducerState Clone() => (ProducerState)MemberwiseClone();

    public void SetEpoch(short epoch)
    {
        if (Epoch != epoch)
        {
            Epoch = epoch;
            _count = 0;
        }
    }

    public void AddBatch(short epoch, SequenceRange range)
    {
        SetEpoch(epoch);
        if (_count == Remembered)
        {
            for (int i = 1; i < Remembered; i++)
            {
                _ranges[i - 1] = _ranges[i];
            }

            _count--;
        }

        _ranges[_count++] = range;
        LastTimestampMs = range.TimestampMs;
    }

    public bool TryFindDuplicate(in BatchInfo batch, out SequenceRange duplicate)
    {
        for (int i = 0; batch.ProducerEpoch == Epoch && i < _count; i++)
        {
            if (_ranges[i].FirstSequence == batch.BaseSequence && _ranges[i].LastSequence == batch.LastSequence)
            {
                duplicate = _ranges[i];
                return true;
            }
        }

        duplicate = default;
        return false;
    }

    [InlineArray(Remembered)]
    private struct SequenceRanges
    {
        private SequenceRange _first;
    }
}
