namespace Broker.Server;

/// <summary>
/// What attempts to connect to one registration of a broker say of it, and how long to wait before the next. Pure. Only connections that are refused several times running, after
/// one that was accepted, tell that nothing listens any more: a host that does not answer, or cannot be found, says nothing of the process, and brokers of Apache Kafka
/// register up to seconds before they listen.
/// </summary>
internal sealed class KnockVerdict
{
    /// <summary>Refusals in a row, <see cref="Pause"/> apart: a fifth of a second in which a listener might be opened again.</summary>
    public const int Needed = 5;

    private const int MaxShortLives = 5;
    private bool _wasAccepted;
    private int _refusals;
    private int _shortLives;

    public static TimeSpan Pause { get; } = TimeSpan.FromMilliseconds(50);

    /// <summary>A connection that ends before this was not served: a proxy takes them for a broker that is gone, a broker has too many.</summary>
    public static TimeSpan ShortLife { get; } = TimeSpan.FromSeconds(1);

    public static TimeSpan LongPause { get; } = TimeSpan.FromSeconds(1);

    public bool Refuses { get; private set; }

    /// <summary>
    /// A connection has ended, and none has lived since: not enough to act on, but enough not to send anybody there. That one was accepted does not clear it: a process that is
    /// killed closes one socket after the other, and its listeners may be the last.
    /// </summary>
    public bool IsSuspect { get; private set; }

    public void Accepted()
    {
        _wasAccepted = true;
        _refusals = 0;
        Refuses = false;
    }

    /// <summary>A connection was not closed for as long as <see cref="Pause"/>.</summary>
    public void Lived() => IsSuspect = false;

    public TimeSpan Ended(TimeSpan life)
    {
        IsSuspect = true;

        // The first are tried again soon: the last connection that a dying process is given ends at once as well.
        _shortLives = life < ShortLife ? Math.Min(_shortLives + 1, MaxShortLives) : 0;
        return _shortLives == 0 ? TimeSpan.Zero : _shortLives == MaxShortLives ? LongPause : Pause;
    }

    /// <summary>Somebody listens, and drops what was not taken yet: that is how a listener is closed, most of all by the end of its process.</summary>
    public TimeSpan Dropped()
    {
        Accepted();
        return Ended(TimeSpan.Zero);
    }

    public TimeSpan Refused()
    {
        _refusals++;
        Refuses |= _wasAccepted && _refusals >= Needed;
        return _refusals >= Needed ? LongPause : Pause;
    }

    public TimeSpan Failed()
    {
        _refusals = 0;
        IsSuspect = false;
        return LongPause;
    }
}
