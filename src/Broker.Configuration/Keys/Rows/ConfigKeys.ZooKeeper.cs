using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// The client of ZooKeeper. Without zookeeper.connect the coordination tree is embedded and the others have no effect.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<string?> ZookeeperConnect = TextOrNone(
        "zookeeper.connect", Any, High, ReadOnly,
        "Servers of the ZooKeeper ensemble that keeps the cluster's metadata, as host:port, comma separated, with a chroot behind the last. Unset: one broker "
        + "by itself, with its coordination tree embedded in the first of log.dirs.");

    public static readonly ConfigKey<int> ZookeeperSessionTimeoutMs = Int(
        "zookeeper.session.timeout.ms", 18000, Any, High, ReadOnly,
        "Time without contact after which ZooKeeper gives up a session, in ms.");

    public static readonly ConfigKey<int?> ZookeeperConnectionTimeoutMs = IntOrNone(
        "zookeeper.connection.timeout.ms", Any, High, ReadOnly,
        "Longest wait for a connection to ZooKeeper, in ms; unset means the session timeout.");

    public static readonly ConfigKey<bool> ZookeeperSetAcl = Bool(
        "zookeeper.set.acl", false, High, ReadOnly,
        "Protect the znodes with ACLs.");

    public static readonly ConfigKey<int> ZookeeperMaxInFlightRequests = Int(
        "zookeeper.max.in.flight.requests", 10, AtLeast(1), High, ReadOnly,
        "Requests to ZooKeeper that may be unanswered at a time.");

    public static readonly ConfigKey<bool> ZookeeperMetadataMigrationEnable = Bool(
        "zookeeper.metadata.migration.enable", false, High, ReadOnly,
        "Part of moving a cluster from ZooKeeper to KRaft.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<string?> ZookeeperClientCnxnSocket = TextOrNone(
        "zookeeper.clientCnxnSocket", Any, Medium, ReadOnly,
        "Java socket class of the ZooKeeper client.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<bool> ZookeeperSslClientEnable = Bool(
        "zookeeper.ssl.client.enable", false, Medium, ReadOnly,
        "Speak TLS to ZooKeeper.");

    public static readonly ConfigKey<string?> ZookeeperSslKeystoreLocation = TextOrNone(
        "zookeeper.ssl.keystore.location", Any, Medium, ReadOnly,
        "Key store for TLS to ZooKeeper.");

    public static readonly ConfigKey<string?> ZookeeperSslKeystorePassword = Secret(
        "zookeeper.ssl.keystore.password", Medium, ReadOnly,
        "Password of that key store.");

    public static readonly ConfigKey<string?> ZookeeperSslKeystoreType = TextOrNone(
        "zookeeper.ssl.keystore.type", Any, Medium, ReadOnly,
        "Format of that key store; unset means by file name.");

    public static readonly ConfigKey<string?> ZookeeperSslTruststoreLocation = TextOrNone(
        "zookeeper.ssl.truststore.location", Any, Medium, ReadOnly,
        "Trust store for TLS to ZooKeeper.");

    public static readonly ConfigKey<string?> ZookeeperSslTruststorePassword = Secret(
        "zookeeper.ssl.truststore.password", Medium, ReadOnly,
        "Password of that trust store.");

    public static readonly ConfigKey<string?> ZookeeperSslTruststoreType = TextOrNone(
        "zookeeper.ssl.truststore.type", Any, Medium, ReadOnly,
        "Format of that trust store; unset means by file name.");

    public static readonly ConfigKey<string> ZookeeperSslProtocol = Text(
        "zookeeper.ssl.protocol", "TLSv1.2", Any, Low, ReadOnly,
        "TLS version for ZooKeeper.",
        unsupported: NotYet.ZooKeeperTls);

    public static readonly ConfigKey<IReadOnlyList<string>?> ZookeeperSslEnabledProtocols = ListOrNone(
        "zookeeper.ssl.enabled.protocols", Any, Low, ReadOnly,
        "TLS versions allowed for ZooKeeper.",
        unsupported: NotYet.ZooKeeperTls);

    public static readonly ConfigKey<IReadOnlyList<string>?> ZookeeperSslCipherSuites = ListOrNone(
        "zookeeper.ssl.cipher.suites", Any, Low, ReadOnly,
        "Cipher suites allowed for ZooKeeper.",
        unsupported: NotYet.ZooKeeperTls);

    public static readonly ConfigKey<string> ZookeeperSslEndpointIdentificationAlgorithm = Text(
        "zookeeper.ssl.endpoint.identification.algorithm", "HTTPS", Any, Low, ReadOnly,
        "How ZooKeeper's host name is checked against its certificate; empty means not at all.");

    public static readonly ConfigKey<bool> ZookeeperSslCrlEnable = Bool(
        "zookeeper.ssl.crl.enable", false, Low, ReadOnly,
        "Check revocation lists for ZooKeeper's certificate.",
        unsupported: NotYet.ZooKeeperTls);

    public static readonly ConfigKey<bool> ZookeeperSslOcspEnable = Bool(
        "zookeeper.ssl.ocsp.enable", false, Low, ReadOnly,
        "Check ZooKeeper's certificate by OCSP.",
        unsupported: NotYet.ZooKeeperTls);
}
