using Broker.Configuration;

namespace Broker.Server;

/// <summary>
/// The throttles of a broker's replication: of what it sends as leader and of what it asks for as follower. They hold back replicas that topics name and that are not in sync; what is in sync counts
/// but is not held back, or the throttle would make replicas fall behind. Thread-safe.
/// </summary>
internal sealed class ReplicationThrottles(int brokerId, ReplicationQuota leader, ReplicationQuota follower)
{
    public static ReplicationThrottles From(ConfigStore config, int brokerId, TimeProvider time)
    {
        int samples = config.Current.Get(ConfigKeys.ReplicationQuotaWindowNum);
        var window = TimeSpan.FromSeconds(config.Current.Get(ConfigKeys.ReplicationQuotaWindowSizeSeconds));
        return new ReplicationThrottles(
            brokerId,
            new ReplicationQuota(() => config.Current.Get(ConfigKeys.LeaderReplicationThrottledRate), samples, window, time),
            new ReplicationQuota(() => config.Current.Get(ConfigKeys.FollowerReplicationThrottledRate), samples, window, time));
    }

    /// <summary>Whether a follower's fetch gets nothing of a partition led here for now.</summary>
    public bool HoldsBackFollower(Partition partition, int followerId) =>
        IsThrottled(partition.Log.Config.LeaderReplicationThrottledReplicas, partition) && partition.Role?.Isr.Contains(followerId) != true && leader.IsExceeded;

    /// <summary>Whether a partition is not asked for for now.</summary>
    public bool HoldsBack(FollowedPartition followed) =>
        IsThrottled(followed.Partition.Log.Config.FollowerReplicationThrottledReplicas, followed.Partition) && !followed.HasCaughtUp && follower.IsExceeded;

    public void OnSent(Partition partition, int bytes)
    {
        if (IsThrottled(partition.Log.Config.LeaderReplicationThrottledReplicas, partition))
        {
            leader.Record(bytes);
        }
    }

    public void OnReceived(Partition partition, int bytes)
    {
        if (bytes > 0 && IsThrottled(partition.Log.Config.FollowerReplicationThrottledReplicas, partition))
        {
            follower.Record(bytes);
        }
    }

    private bool IsThrottled(ThrottledReplicaSet throttled, Partition partition) => !throttled.IsEmpty && throttled.Contains(partition.TopicPartition.Partition, brokerId);
}
