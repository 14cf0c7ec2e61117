using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>
/// The controller's way to the brokers beside its own. Requests to one broker arrive in the order in which they were given, each tried again until it is answered or the
/// broker is gone; requests to different brokers do not wait for each other. Calls come from the controller's thread and do not block.
/// </summary>
public interface IRemoteBrokers
{
    /// <summary>Who can be reached from now on. What waits for a broker that is not named, or is named with another epoch, is dropped.</summary>
    void SetLive(IReadOnlyList<BrokerImage> brokers);

    /// <summary>Queues LeaderAndIsr, StopReplica or UpdateMetadata; <paramref name="answered"/> is called on any thread, and never if the broker goes first.</summary>
    void Send(int broker, ApiKey api, IMessage request, Action<IMessage>? answered = null);
}
