using Broker.Protocol;

namespace Broker.Coordination.Tests.Groups;

public sealed class TransactionalOffsetTests
{
    private static readonly TopicPartition One = new("t", 1);
    private readonly ShardDriver _driver = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Offsets_of_a_transaction_count_when_it_commits_and_are_unstable_until_then(bool isCommit)
    {
        Assert.Equal(ErrorCode.None, Commit(-1, "").Result!.Errors[0]);
        Assert.Equal(ErrorCode.UnstableOffsetCommit, Fetch(requireStable: true).Error);
        Assert.Equal(-1, Fetch(requireStable: false).Value.Offset);
        _driver.Step((shard, _, _) => shard.EndTransaction(9, isCommit));
        Assert.Equal(isCommit ? 42 : -1, Fetch(requireStable: true).Value.Offset);
        Assert.Equal(ErrorCode.None, Fetch(requireStable: true).Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_marker_that_overtakes_the_news_of_the_append_is_not_lost(bool isCommit)
    {
        _driver.HoldAppends = true;
        Commit(-1, "");
        _driver.Step((shard, _, _) => shard.EndTransaction(9, isCommit));
        _driver.CompleteAppend();
        Assert.Equal(ErrorCode.None, Fetch(requireStable: true).Error);
        Assert.Equal(isCommit ? 42 : -1, Fetch(requireStable: true).Value.Offset);
    }

    [Fact]
    public void A_failed_append_leaves_nothing_behind()
    {
        _driver.HoldAppends = true;
        Call<CommitResult> call = Commit(-1, "");
        _driver.CompleteAppend(ErrorCode.InvalidTxnState);
        Assert.Equal(ErrorCode.InvalidTxnState, call.Result!.Errors[0]);
        _driver.Step((shard, _, _) => shard.EndTransaction(9, isCommit: true));
        Assert.Equal(-1, Fetch(requireStable: true).Value.Offset);
    }

    [Fact]
    public void A_member_that_is_not_in_the_group_is_refused() =>
        Assert.NotEqual(ErrorCode.None, Commit(3, "nobody").Result!.Errors[0]);

    private Call<CommitResult> Commit(int generation, string memberId)
    {
        var call = new Call<CommitResult>();
        var commit = new CommitInput
        {
            MemberId = memberId,
            Generation = generation,
            Producer = new TransactionalProducer(9, 0),
            Entries = [new CommitEntry(One.Topic, One.Partition, new CommittedOffset(42, -1, "", 0))],
        };
        _driver.Step((shard, now, effects) => shard.Commit("g", commit, call, now, effects));
        return call;
    }

    private FetchedOffset Fetch(bool requireStable)
    {
        List<FetchedOffset> offsets = [];
        _driver.Shard.Fetch("g", [One], requireStable, offsets);
        return offsets[0];
    }
}
