using Broker.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Server.Tests;

/// <summary>The rules of incremental fetch sessions (KIP-227).</summary>
public sealed class FetchSessionCacheTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(1));

    [Fact]
    public void A_session_goes_on_with_the_epochs_in_order_and_refuses_others()
    {
        var cache = new FetchSessionCache(10, _time);
        FetchSession session = cache.TryCreate(usesTopicIds: true)!;

        Assert.Equal(ErrorCode.InvalidFetchSessionEpoch, cache.TryContinue(session.Id, 2, true, out _));
        Assert.Equal(ErrorCode.None, cache.TryContinue(session.Id, 1, true, out _));
        Assert.Equal(ErrorCode.InvalidFetchSessionEpoch, cache.TryContinue(session.Id, 1, true, out _));
        Assert.Equal(ErrorCode.None, cache.TryContinue(session.Id, 2, true, out _));
        Assert.Equal(ErrorCode.FetchSessionTopicIdError, cache.TryContinue(session.Id, 3, false, out _));
        Assert.Equal(ErrorCode.FetchSessionIdNotFound, cache.TryContinue(session.Id + 1, 1, true, out _));
        cache.Remove(session.Id);
        Assert.Equal(ErrorCode.FetchSessionIdNotFound, cache.TryContinue(session.Id, 3, true, out _));
    }

    [Fact]
    public void A_full_cache_gives_up_only_a_session_that_was_unused_for_two_minutes()
    {
        var cache = new FetchSessionCache(2, _time);
        FetchSession first = cache.TryCreate(true)!;
        _time.Advance(TimeSpan.FromSeconds(60));
        FetchSession second = cache.TryCreate(true)!;
        Assert.Null(cache.TryCreate(true));

        _time.Advance(TimeSpan.FromSeconds(61));
        Assert.NotNull(cache.TryCreate(true));
        Assert.Equal(ErrorCode.FetchSessionIdNotFound, cache.TryContinue(first.Id, 1, true, out _));
        Assert.Equal(ErrorCode.None, cache.TryContinue(second.Id, 1, true, out _));
        Assert.Equal(2, cache.Count);
    }

    [Fact]
    public void Known_answers_are_left_out()
    {
        FetchTarget target = new FetchSession(1, 0).GetOrAdd("t", Guid.Empty, 0);
        var idle = new PartitionRead(ErrorCode.None, 5, 5, 0, default, null, null, null);
        Assert.True(IsSent(target, idle));
        Assert.False(IsSent(target, idle));
        Assert.True(IsSent(target, idle with { HighWatermark = 6 }));
        Assert.True(IsSent(target, idle with { HighWatermark = 6, PreferredReplica = 2 }));
        Assert.True(IsSent(target, PartitionRead.Failed(ErrorCode.NotLeaderOrFollower)));
        // After an error the next good answer says everything again.
        Assert.True(IsSent(target, idle with { HighWatermark = 6 }));
    }

    private static bool IsSent(FetchTarget target, PartitionRead read)
    {
        bool isNews = target.IsNews(read);
        target.OnSent(read);
        return isNews;
    }
}
