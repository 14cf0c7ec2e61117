namespace Broker.Server;

/// <summary>Who reads, and how much it may see.</summary>
/// <param name="ReadsCommitted">Up to the last stable offset only.</param>
/// <param name="FollowerId">Broker id of a follower, which sees everything; -1 for a consumer.</param>
/// <param name="FollowerEpoch">Epoch of its registration; -1 when it did not say.</param>
internal readonly record struct FetchReader(bool ReadsCommitted, int FollowerId, long FollowerEpoch)
{
    public bool IsFollower => FollowerId >= 0;

    /// <summary>A consumer that knows of followers (v11): it may read from one, and be sent to one.</summary>
    public bool KnowsFollowers { get; init; }

    /// <summary>Where a consumer says it is; empty when it does not.</summary>
    public string Rack { get; init; } = "";

    /// <summary>Listener by which it must be able to reach another replica.</summary>
    public string Listener { get; init; } = "";
}
