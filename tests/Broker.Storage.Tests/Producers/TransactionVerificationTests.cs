using Broker.Protocol;

namespace Broker.Storage.Tests;

/// <summary>A transaction opens in a log only by a batch that was verified, and by none that a marker has overtaken.</summary>
public class TransactionVerificationTests
{
    private const long Pid = 42;

    [Fact]
    public void The_first_batch_needs_a_verification_and_those_behind_it_do_not()
    {
        using LogRig rig = new() { VerifiesTransactions = true };
        Assert.Equal(ErrorCode.InvalidTxnState, Append(rig, 0).Error);
        TransactionVerification first = rig.Log.BeginVerification(Pid, 0, 0)!;
        Assert.Equal(ErrorCode.None, Append(rig, 0, first).Error);
        Assert.Null(rig.Log.BeginVerification(Pid, 0, 1));
        Assert.Equal(ErrorCode.None, Append(rig, 1).Error);
        Assert.True(Append(rig, 1).IsDuplicate);

        rig.Restart();
        Assert.Null(rig.Log.BeginVerification(Pid, 0, 2));
        Assert.Equal(ErrorCode.None, Append(rig, 2).Error);
        rig.Append(Batches.Marker(Pid, 0, commit: true), origin: AppendOrigin.Coordinator);
        Assert.Equal(ErrorCode.InvalidTxnState, Append(rig, 3, first).Error);
        Assert.NotNull(rig.Log.BeginVerification(Pid, 0, 3));
    }

    [Fact]
    public void An_answer_that_a_marker_has_overtaken_opens_nothing()
    {
        using LogRig rig = new() { VerifiesTransactions = true };
        TransactionVerification asked = rig.Log.BeginVerification(Pid, 0, 0)!;
        rig.Append(Batches.Marker(Pid, 0, commit: false), origin: AppendOrigin.Coordinator);

        // The producer asks for its next transaction meanwhile; the old answer is none for that.
        TransactionVerification next = rig.Log.BeginVerification(Pid, 0, 0)!;
        Assert.NotSame(asked, next);
        Assert.Equal(ErrorCode.InvalidTxnState, Append(rig, 0, asked).Error);
        Assert.Equal(rig.Log.LogEndOffset, rig.Log.LastStableOffset);
        Assert.Equal(ErrorCode.None, Append(rig, 0, next).Error);
    }

    [Fact]
    public void A_batch_does_not_overtake_the_one_that_was_asked_for_before_it()
    {
        using LogRig rig = new() { VerifiesTransactions = true };
        TransactionVerification first = rig.Log.BeginVerification(Pid, 0, 5)!;
        TransactionVerification second = rig.Log.BeginVerification(Pid, 0, 6)!;
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, Append(rig, 6, second).Error);
        Assert.Equal(ErrorCode.None, Append(rig, 5, first).Error);
        Assert.Equal(ErrorCode.None, Append(rig, 6, second).Error);
    }

    [Fact]
    public void A_no_for_good_and_a_new_epoch_begin_anew()
    {
        using LogRig rig = new() { VerifiesTransactions = true };
        TransactionVerification refused = rig.Log.BeginVerification(Pid, 0, 5)!;
        rig.Log.ForgetVerification(refused);
        Assert.Equal(ErrorCode.InvalidTxnState, Append(rig, 5, refused).Error);
        TransactionVerification later = rig.Log.BeginVerification(Pid, 0, 7)!;
        TransactionVerification fenced = rig.Log.BeginVerification(Pid, 1, 0)!;
        Assert.NotSame(later, fenced);
        rig.Log.ForgetVerification(later);
        Assert.Same(fenced, rig.Log.BeginVerification(Pid, 1, 0));
    }

    [Fact]
    public void A_question_that_nobody_came_back_to_is_forgotten_in_time()
    {
        using LogRig rig = new(hasThreads: false) { VerifiesTransactions = true };
        TransactionVerification asked = rig.Log.BeginVerification(Pid, 0, 0)!;
        rig.Advance(TimeSpan.FromDays(2));
        Assert.NotSame(asked, rig.Log.BeginVerification(Pid, 0, 0));
    }

    [Fact]
    public void Invented_producers_do_not_fill_the_memory()
    {
        using LogRig rig = new();
        TransactionVerification first = rig.Log.BeginVerification(Pid, 0, 0)!;
        for (int i = 0; i < 10_000; i++)
        {
            Assert.Same(first, rig.Log.BeginVerification(Pid, 0, 0));
            Assert.NotNull(rig.Log.BeginVerification(1_000 + i, 0, 0));
        }

        Assert.NotSame(first, rig.Log.BeginVerification(Pid, 0, 0));
    }

    [Fact]
    public void Markers_and_copies_need_none()
    {
        using LogRig rig = new() { VerifiesTransactions = true };
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Idempotent(Pid, 0, 0, isTransactional: true), origin: AppendOrigin.Replication).Error);
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Marker(Pid, 1, commit: false), origin: AppendOrigin.Coordinator).Error);
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Idempotent(7, 0, 0)).Error);
    }

    private static AppendResult Append(LogRig rig, int sequence, TransactionVerification? verification = null) =>
        rig.Log.AppendAsLeader(Batches.Idempotent(Pid, 0, sequence, isTransactional: true), 0, AppendOrigin.Client, verification);
}
