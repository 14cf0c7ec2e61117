namespace Broker.Coordination;

/// <summary>Where markers are written: the partitions of this broker today, other leaders too once there are several.</summary>
public interface ITransactionMarkers
{
    /// <summary>
    /// Tries each partition of the work once and answers those that are done: the marker is written, or the topic is gone. Called on the thread pool.
    /// </summary>
    Task<IReadOnlyCollection<TopicPartition>> WriteAsync(MarkerWork work);
}
