namespace Broker.Server.Tests;

public sealed class KnockVerdictTests
{
    private readonly KnockVerdict _verdict = new();

    [Fact]
    public void Only_refusals_in_a_row_say_that_nothing_listens()
    {
        _verdict.Accepted();
        for (int i = 1; i < KnockVerdict.Needed; i++)
        {
            Assert.Equal(KnockVerdict.Pause, _verdict.Refused());
            Assert.False(_verdict.Refuses);
        }

        Assert.Equal(KnockVerdict.LongPause, _verdict.Failed());
        for (int i = 1; i < KnockVerdict.Needed; i++)
        {
            _verdict.Refused();
        }

        Assert.False(_verdict.Refuses);
        _verdict.Accepted();
        for (int i = 1; i <= KnockVerdict.Needed; i++)
        {
            Assert.False(_verdict.Refuses);
            _verdict.Refused();
        }

        Assert.True(_verdict.Refuses);
    }

    [Fact]
    public void Who_closes_a_connection_is_suspect_until_one_lives()
    {
        _verdict.Refused();
        _verdict.Accepted();
        Assert.False(_verdict.IsSuspect);
        _verdict.Ended(TimeSpan.FromMinutes(10));
        Assert.True(_verdict.IsSuspect);
        _verdict.Accepted();
        Assert.True(_verdict.IsSuspect);
        _verdict.Lived();
        Assert.False(_verdict.IsSuspect);
        _verdict.Ended(TimeSpan.FromMinutes(10));
        _verdict.Refused();
        Assert.True(_verdict.IsSuspect);
        _verdict.Failed();
        Assert.False(_verdict.IsSuspect);
    }

    [Fact]
    public void A_listener_that_drops_connections_is_knocked_at_again_soon()
    {
        _verdict.Refused();
        Assert.Equal(KnockVerdict.Pause, _verdict.Dropped());
        Assert.True(_verdict.IsSuspect);
        for (int i = 1; i < KnockVerdict.Needed; i++)
        {
            _verdict.Refused();
        }

        Assert.False(_verdict.Refuses);
        _verdict.Refused();
        Assert.True(_verdict.Refuses);
    }

    [Fact]
    public void It_stands_until_a_connection_is_accepted()
    {
        _verdict.Accepted();
        for (int i = 0; i < KnockVerdict.Needed; i++)
        {
            _verdict.Refused();
        }

        _verdict.Failed();
        Assert.True(_verdict.Refuses);
        _verdict.Accepted();
        Assert.False(_verdict.Refuses);
    }

    [Fact]
    public void Who_has_not_begun_to_listen_has_not_ended()
    {
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(i + 1 < KnockVerdict.Needed ? KnockVerdict.Pause : KnockVerdict.LongPause, _verdict.Refused());
            Assert.False(_verdict.Refuses);
        }
    }

    [Fact]
    public void Silence_says_nothing_however_long()
    {
        for (int i = 0; i < 1000; i++)
        {
            _verdict.Failed();
        }

        Assert.False(_verdict.Refuses);
    }

    [Fact]
    public void A_connection_that_lived_is_made_anew_at_once_and_short_ones_less_and_less_often()
    {
        Assert.Equal(TimeSpan.Zero, _verdict.Ended(TimeSpan.FromMinutes(10)));
        Assert.Equal(KnockVerdict.Pause, _verdict.Ended(TimeSpan.Zero));
        for (int i = 0; i < 10; i++)
        {
            _verdict.Ended(TimeSpan.Zero);
        }

        Assert.Equal(KnockVerdict.LongPause, _verdict.Ended(TimeSpan.Zero));
        Assert.Equal(TimeSpan.Zero, _verdict.Ended(TimeSpan.FromMinutes(10)));
    }
}
