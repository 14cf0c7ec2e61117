namespace Broker.ZooKeeper;

/// <summary>How to reach an ensemble and what to be there. Immutable.</summary>
public sealed record ZooKeeperClientOptions(ZooKeeperConnectString Servers)
{
    /// <summary>The silence after which the server may end the session, in ms; the server has the last word (see <see cref="ZooKeeperClient.SessionTimeoutMs"/>).</summary>
    public int SessionTimeoutMs { get; init; } = 18_000;

    /// <summary>Longest wait for the first connection, in ms; null means the session timeout.</summary>
    public int? ConnectionTimeoutMs { get; init; }

    /// <summary>Requests that may be unanswered at a time; more wait here. 10 is Kafka's zookeeper.max.in.flight.requests.</summary>
    public int MaxInFlightRequests { get; init; } = 10;

    /// <summary>Largest frame in either direction, in bytes: Kafka's jute.maxbuffer.</summary>
    public int MaxFrameBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Access list of nodes that are made without one.</summary>
    public IReadOnlyList<ZooKeeperAcl> DefaultAcl { get; init; } = ZooKeeperAcl.Open;

    /// <summary>Credentials, sent on every connection.</summary>
    public IReadOnlyList<ZooKeeperAuth> Auth { get; init; } = [];

    /// <summary>SASL DIGEST-MD5; null for none.</summary>
    public ZooKeeperSaslLogin? Sasl { get; init; }

    /// <summary>TLS; null for plaintext.</summary>
    public ZooKeeperTlsOptions? Tls { get; init; }

    /// <summary>False for servers before 3.5, which cannot return the stat of a node they make.</summary>
    public bool CreateReturnsStat { get; init; } = true;

    /// <summary>Order of the servers and length of pauses; a seed makes them repeatable.</summary>
    public Random Random { get; init; } = Random.Shared;
}
