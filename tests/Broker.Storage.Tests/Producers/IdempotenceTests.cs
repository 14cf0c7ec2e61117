using Broker.Protocol;

namespace Broker.Storage.Tests;

public class IdempotenceTests
{
    private const long Pid = 42;

    [Fact]
    public void The_last_five_batches_are_recognised_as_duplicates_and_answered_with_their_offsets()
    {
        using LogRig rig = new();
        for (int i = 0; i < 6; i++)
        {
            Assert.Equal(i * 2, rig.Append(Batches.Idempotent(Pid, 0, i * 2, count: 2)).BaseOffset);
        }

        for (int i = 1; i < 6; i++)
        {
            AppendResult again = rig.Append(Batches.Idempotent(Pid, 0, i * 2, count: 2));
            Assert.Equal(
                (ErrorCode.None, true, (long)i * 2, (i * 2) + 1L, Batches.Now),
                (again.Error, again.IsDuplicate, again.BaseOffset, again.LastOffset, again.LogAppendTimeMs));
        }

        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, rig.Append(Batches.Idempotent(Pid, 0, 0, count: 2)).Error);
        Assert.Equal(12, rig.Log.LogEndOffset);
    }

    // Known: epoch 5, sequences 0 to 9. Then one batch of one record, also after a restart.
    [Theory]
    [InlineData(5, 10, ErrorCode.None)]
    [InlineData(5, 11, ErrorCode.OutOfOrderSequenceNumber)]
    [InlineData(5, 5, ErrorCode.OutOfOrderSequenceNumber)]
    [InlineData(4, 10, ErrorCode.InvalidProducerEpoch)]
    [InlineData(6, 0, ErrorCode.None)]
    [InlineData(6, 10, ErrorCode.OutOfOrderSequenceNumber)]
    public void Sequences_and_epochs(short epoch, int sequence, ErrorCode expected)
    {
        foreach (bool isReopened in (bool[])[false, true])
        {
            using LogRig rig = new();
            rig.Append(Batches.Idempotent(Pid, 5, 0, count: 10));
            if (isReopened)
            {
                rig.Restart();
            }

            Assert.Equal(expected, rig.Append(Batches.Idempotent(Pid, epoch, sequence)).Error);
        }
    }

    [Fact]
    public void A_producer_that_the_log_does_not_know_may_start_anywhere()
    {
        using LogRig rig = new();
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Idempotent(Pid, 3, 1000)).Error);
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Idempotent(Pid, 3, 1001)).Error);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, rig.Append(Batches.Idempotent(Pid, 3, 1003)).Error);
    }

    [Fact]
    public void Sequences_wrap_to_zero()
    {
        using LogRig rig = new();
        rig.Append(Batches.Idempotent(Pid, 0, int.MaxValue));
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Idempotent(Pid, 0, 0)).Error);
        Assert.True(rig.Append(Batches.Idempotent(Pid, 0, int.MaxValue)).IsDuplicate);

        // A batch that wraps inside: 2^31-2, 2^31-1, 0, 1.
        SequenceRange wrapped = new(1, 103, 3, 0);
        Assert.Equal((int.MaxValue - 1, 100L), (wrapped.FirstSequence, wrapped.FirstOffset));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void State_survives_a_restart_and_a_crash(bool isClean)
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150")));
        for (int i = 0; i < 5; i++)
        {
            rig.Append(Batches.Idempotent(Pid, 1, i));
            rig.Append(Batches.Idempotent(Pid + 1, 0, i));
        }

        if (isClean)
        {
            rig.Restart();
        }
        else
        {
            rig.Crash();
        }

        Assert.True(rig.Append(Batches.Idempotent(Pid, 1, 4)).IsDuplicate);
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Idempotent(Pid, 1, 5)).Error);
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Idempotent(Pid + 1, 0, 5)).Error);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, rig.Append(Batches.Idempotent(Pid, 0, 6)).Error);
    }

    [Fact]
    public void State_is_rebuilt_when_every_snapshot_is_damaged()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150")));
        for (int i = 0; i < 7; i++)
        {
            rig.Append(Batches.Idempotent(Pid, 0, i));
        }

        rig.Crash(() =>
        {
            foreach (string snapshot in Directory.GetFiles(rig.PartitionPath, "*.snapshot"))
            {
                File.WriteAllText(snapshot, "damaged");
            }
        });

        Assert.True(rig.Append(Batches.Idempotent(Pid, 0, 3)).IsDuplicate);
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Idempotent(Pid, 0, 7)).Error);
    }

    [Fact]
    public void Idle_producers_expire()
    {
        using LogRig rig = new();
        rig.Append(Batches.Idempotent(Pid, 0, 0));
        Assert.Single(rig.Log.Producers());

        rig.Advance(TimeSpan.FromDays(1));
        Assert.Empty(rig.Log.Producers());
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Idempotent(Pid, 0, 77)).Error);
    }

    [Fact]
    public void Producers_are_described()
    {
        using LogRig rig = new();
        rig.Append(Batches.Idempotent(Pid, 2, 0, count: 3));
        rig.Append(Batches.Idempotent(Pid + 1, 0, 7, isTransactional: true));

        Assert.Equal(
            [new ProducerInfo(Pid, 2, 2, Batches.Now, -1, -1), new ProducerInfo(Pid + 1, 0, 7, Batches.Now, -1, 3)],
            rig.Log.Producers().OrderBy(p => p.ProducerId));
    }

    [Fact]
    public void Open_transactions_hold_the_last_stable_offset_until_their_marker_is_below_the_high_watermark()
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("a"));
        rig.Append(Batches.Idempotent(Pid, 0, 0, isTransactional: true));
        rig.Append(Batches.Idempotent(Pid + 1, 0, 0, isTransactional: true));
        Assert.Equal(1, rig.Log.LastStableOffset);

        // The marker is appended but not yet replicated: still unstable.
        rig.Log.AppendAsLeader(Batches.Marker(Pid, 0, commit: true), 0, AppendOrigin.Coordinator);
        Assert.Equal((3L, 1L), (rig.Log.HighWatermark, rig.Log.LastStableOffset));
        rig.Log.AdvanceHighWatermark(4);
        Assert.Equal(2, rig.Log.LastStableOffset);

        rig.Append(Batches.Marker(Pid + 1, 0, commit: false), origin: AppendOrigin.Coordinator);
        Assert.Equal(5, rig.Log.LastStableOffset);
        AbortedTransaction[] expected = [new(Pid + 1, 2, 4, 5)];
        Assert.Equal(expected, rig.Log.AbortedTransactions(0, 5));
        Assert.Empty(rig.Log.AbortedTransactions(0, 2));
        Assert.Empty(rig.Log.AbortedTransactions(5, 9));

        rig.Crash();
        Assert.Equal(expected, rig.Log.AbortedTransactions(0, 5));
    }

    [Fact]
    public void Markers_of_old_coordinators_and_epochs_are_refused()
    {
        using LogRig rig = new();
        AppendResult Mark(short epoch, int coordinatorEpoch) =>
            rig.Append(Batches.Marker(Pid, epoch, commit: true, coordinatorEpoch), origin: AppendOrigin.Coordinator);

        rig.Append(Batches.Idempotent(Pid, 1, 0, isTransactional: true));
        Assert.Equal(ErrorCode.None, Mark(1, coordinatorEpoch: 5).Error);
        Assert.Equal(ErrorCode.TransactionCoordinatorFenced, Mark(1, coordinatorEpoch: 4).Error);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, Mark(0, coordinatorEpoch: 5).Error);
    }

    [Fact]
    public void A_plain_batch_inside_a_transaction_is_refused()
    {
        using LogRig rig = new();
        rig.Append(Batches.Idempotent(Pid, 1, 0, isTransactional: true));
        Assert.Equal(ErrorCode.InvalidTxnState, rig.Append(Batches.Idempotent(Pid, 1, 1)).Error);
    }
}
