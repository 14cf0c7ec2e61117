using Broker.Protocol;

namespace Broker.Storage.Tests;

/// <summary>What a follower does with its copy, and that each role is over when the next begins.</summary>
public sealed class FollowerTests : IDisposable
{
    private readonly LogRig _leader = new();
    private readonly LogRig _follower = new();

    public void Dispose()
    {
        _leader.Dispose();
        _follower.Dispose();
    }

    [Fact]
    public void Copies_are_the_leaders_bytes_and_a_batch_that_is_cut_short_waits()
    {
        Lead(1, "a", "b", "c");
        _follower.Log.BecomeFollower(1);
        byte[] bytes = Fetch(0);

        Assert.Equal(ErrorCode.None, _follower.Log.AppendAsFollower(bytes.AsMemory(0, bytes.Length - 5), 1));
        Assert.Equal(2, _follower.Log.LogEndOffset);
        Assert.Equal(ErrorCode.None, _follower.Log.AppendAsFollower(Fetch(2), 1));
        Assert.Equal(LogReader.Records(_leader.Log, 0), LogReader.Records(_follower.Log, 0));
        Assert.Equal((1, 0L), (_follower.Log.LatestLeaderEpoch, _follower.Log.HighWatermark));
    }

    [Fact]
    public void What_belongs_to_another_role_or_another_place_is_refused()
    {
        Lead(1, "a", "b");
        _follower.Log.BecomeFollower(1);
        byte[] bytes = Fetch(0);
        Assert.Equal(ErrorCode.NotLeaderOrFollower, _follower.Log.AppendAsFollower(bytes, 2));
        Assert.Equal(ErrorCode.NotLeaderOrFollower, _follower.Log.AppendAsLeader(Batches.Of("x"), 1, AppendOrigin.Client).Error);

        Assert.Equal(ErrorCode.None, _follower.Log.AppendAsFollower(bytes, 1));
        Assert.Equal(ErrorCode.OffsetOutOfRange, _follower.Log.AppendAsFollower(Fetch(0), 1));

        byte[] damaged = Fetch(1);
        Lead(1, "c");
        damaged = Fetch(2);
        damaged[^1] ^= 1;
        Assert.Equal(ErrorCode.CorruptMessage, _follower.Log.AppendAsFollower(damaged, 1));

        _follower.Log.BecomeLeader(2);
        Assert.Equal(ErrorCode.NotLeaderOrFollower, _follower.Log.AppendAsFollower(Fetch(2), 1));
        Assert.Equal(ErrorCode.NotLeaderOrFollower, _follower.Log.TruncateAsFollower(0, 1));
        Assert.Equal(ErrorCode.NotLeaderOrFollower, _follower.Log.AppendAsLeader(Batches.Of("x"), 1, AppendOrigin.Client).Error);
        Assert.Equal(2, _follower.Log.LogEndOffset);
    }

    [Fact]
    public void Truncation_takes_the_records_and_the_epochs_that_begin_there()
    {
        Lead(1, "a", "b");
        _follower.Log.BecomeFollower(1);
        _follower.Log.AppendAsFollower(Fetch(0), 1);
        _follower.Log.BecomeLeader(2);
        _follower.Append(Batches.Of("mine"), 2);
        _follower.Log.BecomeFollower(3);
        Assert.Equal(ErrorCode.None, _follower.Log.TruncateAsFollower(2, 3));
        Assert.Equal((2L, 1, 2L), (_follower.Log.LogEndOffset, _follower.Log.LatestLeaderEpoch, _follower.Log.HighWatermark));

        // An epoch without records: only its entry goes.
        _follower.Log.BecomeLeader(4);
        Assert.Equal(4, _follower.Log.LatestLeaderEpoch);
        _follower.Log.BecomeFollower(5);
        Assert.Equal(ErrorCode.None, _follower.Log.TruncateAsFollower(2, 5));
        Assert.Equal((2L, 1), (_follower.Log.LogEndOffset, _follower.Log.LatestLeaderEpoch));
    }

    [Fact]
    public void A_log_that_starts_within_a_batch_is_copied_from_that_batch_on()
    {
        _leader.Log.BecomeLeader(1);
        _leader.Append(Batches.Of("a", "b", "c", "d"), 1);
        _leader.Append(Batches.Of("e"), 1);
        _leader.Log.DeleteRecords(2);
        _follower.Log.BecomeFollower(1);
        Assert.Equal(ErrorCode.None, _follower.Log.StartOverAsFollower(2, 1));
        Assert.Equal(ErrorCode.None, _follower.Log.AppendAsFollower(Fetch(2), 1));
        Assert.Equal((2, 5), (_follower.Log.LogStartOffset, _follower.Log.LogEndOffset));
        Assert.Equal(LogReader.Records(_leader.Log, 2), LogReader.Records(_follower.Log, 2));
        Assert.Equal(ErrorCode.None, _follower.Log.Flush());
        _follower.Manager.Maintenance.WriteCheckpoints(isStop: false);
        _follower.Crash();
        Assert.Equal((2, 5), (_follower.Log.LogStartOffset, _follower.Log.LogEndOffset));
        _follower.Restart();
        Assert.Equal(LogReader.Records(_leader.Log, 2), LogReader.Records(_follower.Log, 2));
    }

    [Fact]
    public void Starting_over_leaves_nothing_and_survives_a_crash()
    {
        Lead(1, "a", "b");
        _follower.Log.BecomeFollower(1);
        _follower.Log.AppendAsFollower(Fetch(0), 1);
        Assert.Equal(ErrorCode.None, _follower.Log.StartOverAsFollower(100, 1));
        Assert.Equal((100L, 100L, 100L), (_follower.Log.LogStartOffset, _follower.Log.LogEndOffset, _follower.Log.HighWatermark));
        Assert.Equal(-1, _follower.Log.LatestLeaderEpoch);

        _follower.Crash();
        Assert.Equal((100L, 100L), (_follower.Log.LogStartOffset, _follower.Log.LogEndOffset));
    }

    private void Lead(int epoch, params string[] values)
    {
        _leader.Log.BecomeLeader(epoch);
        foreach (string value in values)
        {
            _leader.Append(Batches.Of(value), epoch);
        }
    }

    private byte[] Fetch(long offset) => LogReader.Bytes(_leader.Log.Read(offset, 1 << 20, minOneBatch: true, long.MaxValue));
}
