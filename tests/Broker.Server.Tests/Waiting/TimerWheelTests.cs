using Microsoft.Extensions.Time.Testing;
using Xunit.Abstractions;

namespace Broker.Server.Tests;

/// <summary>Waits end when their time is over: not before, not later than the next look at the clock, once, and not at all when they left.</summary>
public sealed class TimerWheelTests(ITestOutputHelper output)
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Random_waits_expire_when_a_list_says_so()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("BROKER_TEST_SEED"), out int given) ? given : Random.Shared.Next();
        output.WriteLine($"BROKER_TEST_SEED={seed}");
        var random = new Random(seed);
        using var wheel = new TimerWheel(_time);
        var waiting = new List<Wait>();
        for (int step = 0; step < 50_000; step++)
        {
            switch (random.Next(4))
            {
                case 0 or 1:
                    // Within a turn, over several, and far beyond.
                    long ticks = TimeSpan.TicksPerMillisecond * random.Next(0, ((int[])[3, 700, 20_000, 3_000_000])[random.Next(4)]) + random.Next(0, 10_000);
                    var wait = new Wait(_time.GetUtcNow() + new TimeSpan(ticks));
                    wheel.Enter(wait, new TimeSpan(ticks));
                    waiting.Add(wait);
                    break;
                case 2 when waiting.Count > 0:
                    Wait left = waiting[random.Next(waiting.Count)];
                    wheel.Leave(left);
                    left.HasLeft |= left.Expired == 0;
                    break;
                default:
                    _time.Advance(new TimeSpan(random.NextInt64(0, TimeSpan.TicksPerMillisecond * ((int[])[2, 300, 9000])[random.Next(3)])));
                    break;
            }

            DateTimeOffset now = _time.GetUtcNow();
            foreach (Wait wait in waiting)
            {
                bool isDue = wait.Due <= now, mayWait = wait.Due + TimeSpan.FromMilliseconds(2) > now;
                Assert.True(wait.Expired == 0 ? wait.HasLeft || mayWait : wait.Expired == 1 && isDue && !wait.HasLeft, $"step {step}: due {wait.Due:O}, now {now:O}, expired {wait.Expired} times, left {wait.HasLeft}");
            }

            waiting.RemoveAll(wait => wait.Expired > 0 || wait.HasLeft);
        }
    }

    [Fact]
    public void The_end_is_the_end_of_every_wait()
    {
        using var wheel = new TimerWheel(_time);
        Wait near = new(default), far = new(default), late = new(default);
        wheel.Enter(near, TimeSpan.FromMilliseconds(10));
        wheel.Enter(far, TimeSpan.FromDays(1));
        wheel.End();
        wheel.Enter(late, TimeSpan.FromDays(1));
        Assert.True(wheel.HasEnded);
        Assert.Equal([1, 1, 1], [near.Expired, far.Expired, late.Expired]);
    }

    /// <summary>However far away a limit is, nobody wakes before something may be due: idle brokers sleep.</summary>
    [Fact]
    public void Nothing_ticks_while_nobody_waits()
    {
        var counted = new CountedTimers();
        using var wheel = new TimerWheel(counted);
        counted.Advance(TimeSpan.FromHours(1));
        Assert.Equal(0, counted.Ticks);
        wheel.Enter(new Wait(default), TimeSpan.FromMilliseconds(500));
        counted.Advance(TimeSpan.FromMilliseconds(600));
        Assert.Equal(1, counted.Ticks);
        for (int i = 0; i < 1000; i++)
        {
            var wait = new Wait(default);
            wheel.Enter(wait, TimeSpan.FromMilliseconds(500));
            counted.Advance(TimeSpan.FromMilliseconds(1));
            wheel.Leave(wait);
        }

        counted.Advance(TimeSpan.FromHours(1));
        Assert.InRange(counted.Ticks, 2, 6);
    }

    private sealed class Wait(DateTimeOffset due) : TimedWait
    {
        public DateTimeOffset Due => due;

        public int Expired { get; private set; }

        public bool HasLeft { get; set; }

        internal override void OnExpired() => Expired++;
    }

    private sealed class CountedTimers : FakeTimeProvider
    {
        public int Ticks { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(s => { Ticks++; callback(s); }, state, dueTime, period);
    }
}
