using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Connections, requests and the threads behind them.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<int> NumNetworkThreads = Int(
        "num.network.threads", 3, AtLeast(1), High, ClusterWide,
        "Threads that read requests and write responses.",
        unsupported: NotYet.Threads);

    public static readonly ConfigKey<int> NumIoThreads = Int(
        "num.io.threads", 8, AtLeast(1), High, ClusterWide,
        "Threads that process requests.",
        unsupported: NotYet.Threads);

    public static readonly ConfigKey<int> BackgroundThreads = Int(
        "background.threads", 10, AtLeast(1), High, ClusterWide,
        "Threads for work in the background.",
        unsupported: NotYet.Threads);

    public static readonly ConfigKey<int> QueuedMaxRequests = Int(
        "queued.max.requests", 500, AtLeast(1), High, ReadOnly,
        "Requests that may wait to be processed before sockets are no longer read.",
        unsupported: NotYet.Queues);

    public static readonly ConfigKey<long> QueuedMaxRequestBytes = Long(
        "queued.max.request.bytes", -1, Any, Medium, ReadOnly,
        "Bytes of requests that may wait before sockets are no longer read; -1 means no limit.",
        unsupported: NotYet.Queues);

    public static readonly ConfigKey<int> SocketSendBufferBytes = Int(
        "socket.send.buffer.bytes", 102400, Any, High, ReadOnly,
        "Send buffer of a socket, in bytes; -1 leaves it to the system.",
        note: "The default leaves the size to the system as well, because the system fits it to each connection, and takes 256 KiB towards clients on the same machine; any other value is used as it stands.");

    public static readonly ConfigKey<int> SocketReceiveBufferBytes = Int(
        "socket.receive.buffer.bytes", 102400, Any, High, ReadOnly,
        "Receive buffer of a socket, in bytes; -1 leaves it to the system.",
        note: "The default leaves the size to the system as well, because the system fits it to each connection; any other value is used as it stands.");

    public static readonly ConfigKey<int> SocketRequestMaxBytes = Int(
        "socket.request.max.bytes", 104857600, AtLeast(1), High, ReadOnly,
        "Largest request that is read, in bytes. A larger one closes the connection before anything is buffered.");

    public static readonly ConfigKey<int> SocketListenBacklogSize = Int(
        "socket.listen.backlog.size", 50, AtLeast(1), Medium, ReadOnly,
        "Connections that may wait to be accepted.");

    public static readonly ConfigKey<long> SocketConnectionSetupTimeoutMs = Long(
        "socket.connection.setup.timeout.ms", 10000, Any, Medium, ReadOnly,
        "First wait for a connection to another broker, in ms.",
        unsupported: NotYet.SingleBroker);

    public static readonly ConfigKey<long> SocketConnectionSetupTimeoutMaxMs = Long(
        "socket.connection.setup.timeout.max.ms", 30000, Any, Medium, ReadOnly,
        "Longest wait for a connection to another broker, in ms.",
        unsupported: NotYet.SingleBroker);

    public static readonly ConfigKey<int> MaxConnections = Int(
        "max.connections", int.MaxValue, AtLeast(0), Medium, ClusterWide,
        "Connections open at a time, over all listeners.");

    public static readonly ConfigKey<int> MaxConnectionsPerIp = Int(
        "max.connections.per.ip", int.MaxValue, AtLeast(0), Medium, ClusterWide,
        "Connections open at a time from one address. 0 is allowed only with overrides.");

    public static readonly ConfigKey<string> MaxConnectionsPerIpOverrides = Text(
        "max.connections.per.ip.overrides", "", ConnectionOverrides, Medium, ClusterWide,
        "Other limits for single addresses, as host:count, comma separated.");

    public static readonly ConfigKey<int> MaxConnectionCreationRate = Int(
        "max.connection.creation.rate", int.MaxValue, AtLeast(0), Medium, ClusterWide,
        "New connections per second.",
        unsupported: NotYet.Quotas);

    public static readonly ConfigKey<long> ConnectionsMaxIdleMs = Long(
        "connections.max.idle.ms", 600000, Any, Medium, ReadOnly,
        "Time without traffic after which a connection is closed, in ms.");

    public static readonly ConfigKey<int> ConnectionFailedAuthenticationDelayMs = Int(
        "connection.failed.authentication.delay.ms", 100, AtLeast(0), Low, ReadOnly,
        "Delay before a connection that failed to authenticate is closed, in ms.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<int> RequestTimeoutMs = Int(
        "request.timeout.ms", 30000, Any, High, ReadOnly,
        "Longest wait for the answer of another broker, in ms.",
        unsupported: NotYet.SingleBroker);

    public static readonly ConfigKey<int> MaxRequestPartitionSizeLimit = Int(
        "max.request.partition.size.limit", 2000, AtLeast(1), Medium, ReadOnly,
        "Partitions that one DescribeTopicPartitions response lists at most.");
}
