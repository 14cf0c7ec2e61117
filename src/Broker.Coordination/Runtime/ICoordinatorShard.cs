namespace Broker.Coordination;

/// <summary>The state machines of one partition of a coordinator's topic. Pure and single-owner: input and moment go in, effects come out.</summary>
internal interface ICoordinatorShard
{
    /// <summary>Monotonic time at which <see cref="Advance"/> has something to do.</summary>
    long NextDeadlineMs { get; }

    /// <summary>Does what has become due.</summary>
    void Advance(Moment now, Effects effects);

    /// <summary>Loading is over: deadlines begin, and what a crash interrupted goes on.</summary>
    void OnLoaded(Moment now, Effects effects);

    /// <summary>The partition is no longer ours: everybody who waits is answered.</summary>
    void Abandon(ErrorCode error, Effects effects);
}
