using Broker.Protocol;

namespace Broker.Coordination.Tests.Transactions;

public sealed class TransactionShardTests
{
    private static readonly TopicPartition One = new("t", 1);
    private static readonly TopicPartition Two = new("t", 2);
    private readonly TransactionDriver _driver = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_transaction_ends_when_its_markers_are_written(bool isCommit)
    {
        ProducerResult me = _driver.Init("a").Result!;
        Assert.Equal(new ProducerResult(ErrorCode.None, 100, 0), me);
        Assert.Equal(ErrorCode.None, _driver.Add("a", me.ProducerId, 0, One).Result!.Error);
        Assert.Equal(ErrorCode.None, _driver.End("a", me.ProducerId, 0, isCommit).Result!.Error);
        Assert.Equal(ErrorCode.ConcurrentTransactions, _driver.Add("a", me.ProducerId, 0, Two).Result!.Error);

        MarkerWork marker = Assert.Single(_driver.Markers);
        Assert.Equal((100L, (short)0, 7, isCommit), (marker.ProducerId, marker.ProducerEpoch, marker.CoordinatorEpoch, marker.IsCommit));
        _driver.WriteAllMarkers();

        Assert.Equal(isCommit ? TransactionState.CompleteCommit : TransactionState.CompleteAbort, _driver.Shard.Find("a")!.State);
        Assert.Equal(ErrorCode.None, _driver.End("a", me.ProducerId, 0, isCommit).Result!.Error);
        Assert.Equal(ErrorCode.InvalidTxnState, _driver.End("a", me.ProducerId, 0, !isCommit).Result!.Error);
    }

    [Fact]
    public void No_marker_leaves_and_nobody_is_answered_before_the_decision_is_in_the_log()
    {
        _driver.Init("a");
        _driver.Add("a", 100, 0, One);
        _driver.HoldAppends = true;
        Call<ProducerResult> end = _driver.End("a", 100, 0, isCommit: true);
        Assert.False(end.IsAnswered);
        Assert.Empty(_driver.Markers);
        Assert.Equal(ErrorCode.ConcurrentTransactions, _driver.End("a", 100, 0, isCommit: false).Result!.Error);

        _driver.CompleteAppend(ErrorCode.NotEnoughReplicas);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, end.Result!.Error);
        Assert.Empty(_driver.Markers);
        Assert.Equal(TransactionState.Ongoing, _driver.Shard.Find("a")!.State);
    }

    /// <summary>A decision that timed out may be in the log: a coordinator that finds it there acts on it, so this one must not decide otherwise.</summary>
    [Theory]
    [InlineData(ErrorCode.RequestTimedOut)]
    [InlineData(ErrorCode.NotEnoughReplicasAfterAppend)]
    [InlineData(ErrorCode.NotLeaderOrFollower)]
    public void A_decision_that_may_be_in_the_log_stands(ErrorCode error)
    {
        _driver.Init("a", timeoutMs: 5_000);
        _driver.Add("a", 100, 0, One);
        _driver.HoldAppends = true;
        Call<ProducerResult> end = _driver.End("a", 100, 0, isCommit: true);
        _driver.CompleteAppend(error);
        Assert.Equal(AppendErrors.ForTransaction(error), end.Result!.Error);

        // Nobody brings it to abort: not the producer, not the next one, not the timeout.
        Assert.Equal(ErrorCode.ConcurrentTransactions, _driver.End("a", 100, 0, isCommit: false).Result!.Error);
        Assert.Equal(ErrorCode.ConcurrentTransactions, _driver.Init("a").Result!.Error);
        _driver.Wait(20_000);
        Assert.Equal(1, _driver.HeldAppends);
        _driver.CompleteAppend(ErrorCode.NotEnoughReplicas);
        Assert.Empty(_driver.Markers);

        _driver.Wait(20_000);
        _driver.HoldAppends = false;
        _driver.CompleteAppend();
        Assert.True(Assert.Single(_driver.Markers).IsCommit);
        _driver.WriteAllMarkers();
        Assert.Equal(ErrorCode.None, _driver.End("a", 100, 0, isCommit: true).Result!.Error);
        Assert.Equal([TransactionState.Empty, TransactionState.Ongoing, TransactionState.PrepareCommit, TransactionState.CompleteCommit], _driver.Log.Select(r => r.Value!.State));
    }

    [Fact]
    public void A_new_producer_fences_the_one_before_and_ends_its_transaction()
    {
        _driver.Init("a");
        _driver.Add("a", 100, 0, One);
        Assert.Equal(ErrorCode.ConcurrentTransactions, _driver.Init("a").Result!.Error);
        Assert.Equal((short)1, Assert.Single(_driver.Markers).ProducerEpoch);
        _driver.WriteAllMarkers();
        Assert.Equal(new ProducerResult(ErrorCode.None, 100, 2), _driver.Init("a").Result);
        Assert.Equal(ErrorCode.ProducerFenced, _driver.Add("a", 100, 0, One).Result!.Error);
        Assert.Equal(ErrorCode.ProducerFenced, _driver.End("a", 100, 0, isCommit: true).Result!.Error);
    }

    [Fact]
    public void A_transaction_that_takes_too_long_is_aborted()
    {
        _driver.Init("a", timeoutMs: 5_000);
        _driver.Add("a", 100, 0, One);
        _driver.Wait(10_001);
        MarkerWork marker = Assert.Single(_driver.Markers);
        Assert.False(marker.IsCommit);
        Assert.Equal((short)1, marker.ProducerEpoch);
        Assert.Equal(ErrorCode.ProducerFenced, _driver.End("a", 100, 0, isCommit: true).Result!.Error);
    }

    [Fact]
    public void A_producer_that_bumps_its_epoch_gets_the_same_answer_again()
    {
        _driver.Init("a");
        Assert.Equal(new ProducerResult(ErrorCode.None, 100, 1), _driver.Init("a", 100, 0).Result);
        Assert.Equal(new ProducerResult(ErrorCode.None, 100, 1), _driver.Init("a", 100, 0).Result);
        _driver.Init("a");
        Assert.Equal(ErrorCode.ProducerFenced, _driver.Init("a", 100, 0).Result!.Error);
    }

    [Fact]
    public void Used_up_epochs_give_a_new_producer_id()
    {
        _driver.Shard.Apply(new TransactionRecord("a", new TransactionSnapshot { ProducerId = 5, Epoch = TransactionSnapshot.LastUsableEpoch, TimeoutMs = 1_000 }));
        _driver.Add("a", 5, TransactionSnapshot.LastUsableEpoch, One, version: 2);
        ProducerResult next = _driver.End("a", 5, TransactionSnapshot.LastUsableEpoch, isCommit: true, version: 2).Result!;
        Assert.Equal(new ProducerResult(ErrorCode.None, 100, 0), next);
        Assert.Equal(short.MaxValue, Assert.Single(_driver.Markers).ProducerEpoch);

        // The producer knows its next id before the markers are written.
        Assert.Equal(ErrorCode.ConcurrentTransactions, _driver.Add("a", 100, 0, One, version: 2).Result!.Error);
        Assert.Equal(ErrorCode.ConcurrentTransactions, _driver.End("a", 100, 0, isCommit: false, version: 2).Result!.Error);
        _driver.WriteAllMarkers();
        Assert.Equal(next, _driver.End("a", 5, TransactionSnapshot.LastUsableEpoch, isCommit: true, version: 2).Result);
        Assert.Equal(ErrorCode.None, _driver.Add("a", 100, 0, One, version: 2).Result!.Error);
    }

    /// <summary>EndTxn and AddPartitionsToTxn of an earlier transaction arrive on another connection when the next one is open.</summary>
    [Fact]
    public void Delayed_requests_of_an_earlier_transaction_change_nothing_when_every_transaction_has_its_epoch()
    {
        _driver.Init("a");
        _driver.Add("a", 100, 0, One, version: 2);
        Assert.Equal(new ProducerResult(ErrorCode.None, 100, 1), _driver.End("a", 100, 0, isCommit: true, version: 2).Result);
        _driver.WriteAllMarkers();
        Assert.Equal(new ProducerResult(ErrorCode.None, 100, 1), _driver.End("a", 100, 0, isCommit: true, version: 2).Result);
        _driver.Add("a", 100, 1, Two, version: 2);
        TransactionSnapshot open = _driver.Shard.Find("a")!;

        Assert.Equal(ErrorCode.ProducerFenced, _driver.End("a", 100, 0, isCommit: true, version: 2).Result!.Error);
        Assert.Equal(ErrorCode.ProducerFenced, _driver.End("a", 100, 0, isCommit: false, version: 2).Result!.Error);
        Assert.Equal(ErrorCode.ProducerFenced, _driver.Add("a", 100, 0, One, version: 2).Result!.Error);
        Assert.Same(open, _driver.Shard.Find("a"));
        Assert.Empty(_driver.Markers);
    }

    /// <summary>The first answer was lost; the request comes again at every moment until the transaction is complete.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_repeated_end_is_never_taken_for_one_of_a_fenced_producer(bool isCommit)
    {
        _driver.Init("a");
        _driver.Add("a", 100, 0, One, version: 2);
        ProducerResult first = _driver.End("a", 100, 0, isCommit, version: 2).Result!;
        Assert.Equal(ErrorCode.ConcurrentTransactions, _driver.End("a", 100, 0, isCommit, version: 2).Result!.Error);
        _driver.HoldAppends = true;
        _driver.WriteAllMarkers();
        Assert.Equal(1, _driver.HeldAppends);
        Assert.Equal(ErrorCode.ConcurrentTransactions, _driver.End("a", 100, 0, isCommit, version: 2).Result!.Error);
        _driver.CompleteAppend();
        Assert.Equal(first, _driver.End("a", 100, 0, isCommit, version: 2).Result);
    }

    [Fact]
    public void Ids_that_nobody_uses_are_forgotten()
    {
        _driver.Init("a");
        _driver.Wait(604_800_001);
        Assert.Null(_driver.Shard.Find("a"));
        Assert.Null(_driver.Log[^1].Value);
    }
}
