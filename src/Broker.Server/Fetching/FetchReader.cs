namespace Broker.Server;

/// <summary>Who reads, and how much it may see.</summary>
/// <param name="ReadsCommitted">Up to the last stable offset only.</param>
/// <param name="FollowerId">Broker id of a follower, which sees everything; -1 for a consumer.</param>
/// <param name="FollowerEpoch">Epoch of its registration; -1 when it did not say.</param>
internal readonly record struct FetchReader(bool ReadsCommitted, int FollowerId, long FollowerEpoch)
{
    public bool IsFollower => FollowerId >= 0;
}
