using Broker.Cluster;
using Broker.Configuration;
using Broker.Ensemble;
using Broker.Storage;
using Broker.ZooKeeper;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>Where the coordination tree is: in ZooKeeper when zookeeper.connect is set, else in the first log directory.</summary>
internal sealed class TreeWiring(BrokerConfig config, TimeProvider time, ILoggerFactory loggers)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly string? _connect = config.Get(ConfigKeys.ZookeeperConnect);

    /// <summary>Whether other brokers may be in the cluster.</summary>
    public bool IsShared => !string.IsNullOrWhiteSpace(_connect);

    /// <summary>After this time the session of a run that died is over: the server may grant twice what was asked for, and looks at sessions once in a while.</summary>
    public TimeSpan RegistrationPatience => TimeSpan.FromMilliseconds((2L * config.Get(ConfigKeys.ZookeeperSessionTimeoutMs)) + 5000);

    /// <exception cref="InvalidOperationException">ZooKeeper cannot be reached or used; the message says what to do.</exception>
    /// <exception cref="LoadException">The first log directory is in use.</exception>
    public async Task<ICoordinationTree> OpenAsync(CancellationToken stop)
    {
        if (!IsShared)
        {
            return OpenEmbedded(config.LogDirs[0]);
        }

        ZooKeeperClientOptions options;
        try
        {
            options = Options();
        }
        catch (Exception e) when (e is FormatException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidOperationException($"zookeeper.connect = {_connect} cannot be used. {e.Message}", e);
        }

        if (IsSecured && options.Sasl is null && (options.Tls is null || config.Get(ConfigKeys.ZookeeperSslKeystoreLocation) is null))
        {
            throw new InvalidOperationException(
                "zookeeper.set.acl is true, but ZooKeeper client TLS configuration identifying at least zookeeper.ssl.client.enable and "
                + "zookeeper.ssl.keystore.location was not present, and KAFKA_OPTS names no JAAS file with a section Client (-Djava.security.auth.login.config=FILE): "
                + "ZooKeeper would not know whom to give access. Set one of them, or remove zookeeper.set.acl");
        }

        try
        {
            return await ZooKeeperTree.OpenAsync(options, IsSecured, time, loggers.CreateLogger<ZooKeeperTree>(), stop).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.ConnectionLoss)
        {
            int timeoutMs = options.ConnectionTimeoutMs ?? options.SessionTimeoutMs;
            throw new InvalidOperationException(
                $"Timed out waiting for connection while in state: CONNECTING. No ZooKeeper of zookeeper.connect = {_connect} answered within {timeoutMs} ms (zookeeper.connection.timeout.ms). "
                + "Check that it runs and that its name resolves and its port is open from here. A single broker needs none: without zookeeper.connect the tree is embedded",
                e);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.NotPermitted)
        {
            throw new InvalidOperationException($"ZooKeeper at zookeeper.connect = {_connect} refused this broker: {e.Message}. Check the zookeeper.ssl.* keys and the access lists of its nodes", e);
        }
    }

    /// <summary>A new session after one that expired: tries until there is one.</summary>
    public async Task<ICoordinationTree> ReopenAsync(CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return await OpenAsync(stop).ConfigureAwait(false);
            }
            catch (InvalidOperationException e)
            {
                TreeLog.NotReopened(loggers.CreateLogger<ZooKeeperTree>(), e.Message);
                await Task.Delay(Pause, time, stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// The id of the cluster. An empty ZooKeeper and log directories that belong to a cluster do not go together: the topics of these directories would be unknown.
    /// </summary>
    /// <exception cref="LoadException">The directories belong to another cluster.</exception>
    public async Task<string> ResolveClusterIdAsync(ICoordinationTree tree, MetaProperties? meta)
    {
        if (IsShared && meta?.ClusterId is { } stored && await ClusterController.FindClusterIdAsync(tree).ConfigureAwait(false) is var found && found != stored)
        {
            string file = Path.Combine(config.LogDirs[0], "meta.properties");
            throw new LoadException(
                $"Invalid cluster.id in: {file}. Expected {found ?? "none"}, but read {stored}. "
                + (found is null
                    ? $"ZooKeeper at zookeeper.connect = {_connect} holds no cluster: its data was lost, or the address or the chroot is another one. "
                        + "Restore it; copy the tree of a single broker there with `broker tree copy`; or, to begin anew, remove the data directories"
                    : $"ZooKeeper at zookeeper.connect = {_connect} holds another cluster than the one that wrote these directories. "
                        + "Check zookeeper.connect and log.dirs; to join with empty directories, remove them"));
        }

        return await ClusterController.ResolveClusterIdAsync(tree, meta?.ClusterId ?? config.ClusterId).ConfigureAwait(false);
    }

    private bool IsSecured => config.Get(ConfigKeys.ZookeeperSetAcl);

    private ZooKeeperClientOptions Options() => new(ZooKeeperConnectString.Parse(_connect!))
    {
        SessionTimeoutMs = config.Get(ConfigKeys.ZookeeperSessionTimeoutMs),
        ConnectionTimeoutMs = config.Get(ConfigKeys.ZookeeperConnectionTimeoutMs),
        MaxInFlightRequests = config.Get(ConfigKeys.ZookeeperMaxInFlightRequests),
        Tls = config.Get(ConfigKeys.ZookeeperSslClientEnable) ? Tls() : null,

        // Servers of 3.4 cannot tell the stat of a new node, and nobody asks for it.
        CreateReturnsStat = false,
        Sasl = JaasClientLogin.Read(Environment.GetEnvironmentVariable("KAFKA_OPTS"), File.ReadAllText),
    };

    private ZooKeeperTlsOptions Tls() => ZooKeeperTlsOptions.Load(
        Store(ConfigKeys.ZookeeperSslKeystoreLocation, ConfigKeys.ZookeeperSslKeystorePassword, ConfigKeys.ZookeeperSslKeystoreType),
        Store(ConfigKeys.ZookeeperSslTruststoreLocation, ConfigKeys.ZookeeperSslTruststorePassword, ConfigKeys.ZookeeperSslTruststoreType),
        verifyHostName: config.Get(ConfigKeys.ZookeeperSslEndpointIdentificationAlgorithm).Length > 0);

    private ZooKeeperTlsStore? Store(ConfigKey<string?> location, ConfigKey<string?> password, ConfigKey<string?> type) =>
        config.Get(location) is { Length: > 0 } path ? new ZooKeeperTlsStore(path, config.Get(password), config.Get(type)) : null;

    private EmbeddedTree OpenEmbedded(string home)
    {
        try
        {
            return EmbeddedTree.Open(home, time, loggers.CreateLogger<EmbeddedTree>());
        }
        catch (IOException e) when (e is not FileNotFoundException && e.HResult is -2147024864 or 11)
        {
            // A sharing violation: whoever holds the tree holds the directory.
            throw new LoadException($"Failed to acquire lock on file .lock in {home}. A Kafka instance in another process or thread is using this directory.", e);
        }
    }
}

internal static partial class TreeLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "No new session with ZooKeeper yet: {Reason}")]
    public static partial void NotReopened(ILogger logger, string reason);
}
