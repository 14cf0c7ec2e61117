namespace Broker.Cluster;

/// <summary>
/// Notices that the process of a broker has ended while the tree still holds its registration: its connections are closed and nothing listens at its end point any more.
/// Silence says nothing, only refused connections do. Thread-safe.
/// </summary>
public interface IBrokerWatch
{
    /// <summary>Raised after an answer of <see cref="Refuses"/> changed, on any thread.</summary>
    event Action Changed;

    /// <summary>Who is looked at from now on. Does not block.</summary>
    void Watch(IReadOnlyList<BrokerImage> brokers);

    /// <summary>Whether connections to this registration of a broker are refused. False of those that are not watched.</summary>
    bool Refuses(BrokerImage broker);
}
