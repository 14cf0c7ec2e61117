using System.Numerics;

namespace Broker.Server;

/// <summary>
/// The limits of all waiting fetches and produces: a timing wheel (Varghese and Lauck) of one turn in slots of a millisecond, and one bag of what is further away, which is
/// sorted into the wheel once a turn. Entering and leaving are one step each, however many wait. It has no tick: one timer is set to the next slot that holds something, so
/// that a broker on which nobody waits does nothing. Thread-safe.
/// </summary>
internal sealed class TimerWheel : IDisposable
{
    private const int Slots = 4096;
    private const int WordBits = 64;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly ITimer _timer;
    private readonly TimedWaitList[] _slots = [.. Enumerable.Range(0, Slots).Select(_ => new TimedWaitList())];
    private readonly ulong[] _occupied = new ulong[Slots / WordBits];
    private readonly TimedWaitList _later = new();

    // All slots up to this tick have been emptied.
    private long _passed;
    private int _count;
    private long _armedFor = long.MaxValue;
    private bool _hasEnded;

    public TimerWheel(TimeProvider time)
    {
        _time = time;
        _start = time.GetTimestamp();
        _timer = time.CreateTimer(static state => ((TimerWheel)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The broker stops: whoever waits or comes later has expired.</summary>
    public bool HasEnded => Volatile.Read(ref _hasEnded);

    /// <summary>Waits for the outcome for no longer than <paramref name="limit"/>.</summary>
    public async ValueTask<TOutcome> AwaitAsync<TOutcome>(TimedWait<TOutcome> wait, TimeSpan limit)
    {
        Enter(wait, limit);
        TOutcome outcome = await wait.Ended.ConfigureAwait(false);
        Leave(wait);
        return outcome;
    }

    /// <summary>Lets it wait no longer than <paramref name="limit"/>, rounded up to a millisecond.</summary>
    public void Enter(TimedWait wait, TimeSpan limit)
    {
        lock (_lock)
        {
            if (!_hasEnded && limit > TimeSpan.Zero)
            {
                long now = Now();
                if (_count++ == 0)
                {
                    // Nobody came by while nobody waited.
                    _passed = ToTick(now);
                }

                wait.DueTick = ToTick(now + limit.Ticks + TimeSpan.TicksPerMillisecond - 1);
                Place(wait);
                Arm();
                return;
            }
        }

        wait.OnExpired();
    }

    /// <summary>What it waited for has come. Nothing happens when it is not in the wheel any more.</summary>
    public void Leave(TimedWait wait)
    {
        lock (_lock)
        {
            if (wait.List is not { } list)
            {
                return;
            }

            list.Remove(wait);
            _count--;
            if (list.First is null && list != _later)
            {
                Unmark(SlotOf(wait.DueTick));
            }
        }
    }

    /// <summary>Everything that waits expires now.</summary>
    public void End()
    {
        TimedWait? expired = null;
        lock (_lock)
        {
            Volatile.Write(ref _hasEnded, true);
            TakeAll(_later, ref expired);
            foreach (TimedWaitList slot in _slots)
            {
                TakeAll(slot, ref expired);
            }
        }

        Expire(expired);
    }

    public void Dispose()
    {
        End();
        _timer.Dispose();
    }

    private static long ToTick(long ticks) => ticks / TimeSpan.TicksPerMillisecond;

    private static int SlotOf(long tick) => (int)(tick % Slots);

    private void Unmark(int slot) => _occupied[slot / WordBits] &= ~(1UL << (slot % WordBits));

    private void TakeAll(TimedWaitList list, ref TimedWait? into)
    {
        while (list.First is { } wait)
        {
            list.Remove(wait);
            _count--;
            wait.Next = into;
            into = wait;
        }
    }

    private static void Expire(TimedWait? chain)
    {
        while (chain is not null)
        {
            TimedWait wait = chain;
            (chain, wait.Next) = (wait.Next, null);
            wait.OnExpired();
        }
    }

    private long Now() => _time.GetElapsedTime(_start).Ticks;

    private void Place(TimedWait wait)
    {
        if (wait.DueTick > _passed + Slots)
        {
            _later.Add(wait);
            return;
        }

        wait.DueTick = Math.Max(wait.DueTick, _passed + 1);
        int slot = SlotOf(wait.DueTick);
        _slots[slot].Add(wait);
        _occupied[slot / WordBits] |= 1UL << (slot % WordBits);
    }

    private void OnTimer()
    {
        TimedWait? expired = null;
        lock (_lock)
        {
            _armedFor = long.MaxValue;
            Pass(ToTick(Now()), ref expired);
            Arm();
        }

        Expire(expired);
    }

    /// <summary>Empties the slots up to a tick, and sorts in what a turn has brought near.</summary>
    private void Pass(long now, ref TimedWait? expired)
    {
        while (_passed < now)
        {
            long turn = TurnEnd(_passed), until = Math.Min(now, turn);
            for (long tick = NextOccupied(_passed, until); tick <= until; tick = NextOccupied(tick, until))
            {
                Unmark(SlotOf(tick));
                TakeAll(_slots[SlotOf(tick)], ref expired);
            }

            _passed = until;
            if (until == turn)
            {
                SortLater();
            }
        }
    }

    private void SortLater()
    {
        for (TimedWait? wait = _later.First; wait is not null;)
        {
            TimedWait sorted = wait;
            wait = wait.Next;
            if (sorted.DueTick <= _passed + Slots)
            {
                _later.Remove(sorted);
                Place(sorted);
            }
        }
    }

    private void Arm()
    {
        if (_hasEnded)
        {
            return;
        }

        long next = NextOccupied(_passed, _passed + Slots);
        if (_later.First is not null)
        {
            next = Math.Min(next, TurnEnd(_passed));
        }

        if (next < _armedFor && next <= _passed + Slots)
        {
            _armedFor = next;
            long dueTicks = (next * TimeSpan.TicksPerMillisecond) - Now();
            _timer.Change(TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling((double)dueTicks / TimeSpan.TicksPerMillisecond))), Timeout.InfiniteTimeSpan);
        }
    }

    private static long TurnEnd(long tick) => ((tick / Slots) + 1) * Slots;

    /// <summary>The first tick after one whose slot is marked; more than <paramref name="until"/> when there is none up to there. At most a turn is looked at.</summary>
    private long NextOccupied(long after, long until)
    {
        for (long tick = after + 1; tick <= until;)
        {
            int slot = SlotOf(tick);
            ulong word = _occupied[slot / WordBits] >> (slot % WordBits);
            if (word != 0)
            {
                return tick + BitOperations.TrailingZeroCount(word);
            }

            tick += WordBits - (slot % WordBits);
        }

        return until + 1;
    }
}
