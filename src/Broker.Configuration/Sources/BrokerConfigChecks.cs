namespace Broker.Configuration;

/// <summary>What keys must say together. Lives for one reading of the configuration.</summary>
internal sealed class BrokerConfigChecks(IReadOnlyDictionary<string, ConfigEntry> given, object?[] values, List<ConfigError> errors)
{
    public void Run()
    {
        CheckIds();
        CheckLogs();
        CheckTimes();
        CheckGroups();
        CheckAccess();
    }

    private void CheckIds()
    {
        var id = Get(ConfigKeys.BrokerId);
        var nodeId = Get(ConfigKeys.NodeId);
        if (id >= 0 && nodeId >= 0 && id != nodeId)
        {
            Error(ConfigKeys.NodeId, "You must set `node.id` to the same value as `broker.id`.", $"Remove node.id, or set both to {id}.");
        }

        if (!Get(ConfigKeys.BrokerIdGenerationEnable))
        {
            Check(Math.Max(id, nodeId) >= 0, ConfigKeys.BrokerId, "broker.id must be greater than or equal to 0",
                "Set broker.id, or broker.id.generation.enable=true.");
            return;
        }

        var max = Get(ConfigKeys.ReservedBrokerMaxId);
        Check(id >= -1 && id <= max, ConfigKeys.BrokerId, "broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id",
            $"Choose an id from 0 to {max}, or raise reserved.broker.max.id.");
        Check(nodeId >= -1, ConfigKeys.NodeId, "node.id must be greater than or equal to -1", "Choose an id from 0 on.");
    }

    private void CheckLogs()
    {
        var dirs = Get(ConfigKeys.LogDirs);
        Check(ListenerText.Elements(string.IsNullOrWhiteSpace(dirs) ? Get(ConfigKeys.LogDir) : dirs).Length > 0, ConfigKeys.LogDirs,
            "At least one log directory must be defined via log.dirs or log.dir.", "Set log.dirs to a directory that the broker may write to.");
        var isCleanerOn = Get(ConfigKeys.LogCleanerEnable) && Get(ConfigKeys.LogCleanerThreads) > 0;
        Check(!isCleanerOn || Get(ConfigKeys.LogCleanerDedupeBufferSize) / Get(ConfigKeys.LogCleanerThreads) > 1024 * 1024,
            ConfigKeys.LogCleanerDedupeBufferSize, "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.",
            "Raise it, or lower log.cleaner.threads.");
        CheckDuration(ConfigKeys.LogRetentionMs, ConfigKeys.LogRetentionMinutes, ConfigKeys.LogRetentionHours);
        Check(Get(ConfigKeys.LogRollMs) is null or >= 1, ConfigKeys.LogRollMs, "log.roll.ms must be greater than or equal to 1", "Write a time in ms, at least 1.");
        Check(Get(ConfigKeys.LogRollJitterMs) is null or >= 0, ConfigKeys.LogRollJitterMs, "log.roll.jitter.ms must be greater than or equal to 0", "Write a time in ms, or 0 for none.");
    }

    // The first of the three that is set decides; -1 means for ever, 0 would delete at once.
    private void CheckDuration(ConfigKey<long?> ms, ConfigKey<int?> minutes, ConfigKey<int> hours)
    {
        ConfigKey deciding = Get(ms) is not null ? ms : Get(minutes) is not null ? minutes : hours;
        var value = Get(ms) ?? Get(minutes) ?? Get(hours);
        Check(value is -1 or >= 1, deciding, $"{deciding.Name} must be unlimited (-1) or, greater than or equal to 1", "Write -1 to keep records for ever, or a time of at least 1.");
    }

    private void CheckTimes()
    {
        Check(Get(ConfigKeys.ReplicaFetchWaitMaxMs) <= Get(ConfigKeys.ReplicaSocketTimeoutMs), ConfigKeys.ReplicaSocketTimeoutMs,
            "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket timeouts",
            "Raise replica.socket.timeout.ms.");
        Check(Get(ConfigKeys.ReplicaFetchWaitMaxMs) <= Get(ConfigKeys.ReplicaLagTimeMaxMs), ConfigKeys.ReplicaFetchWaitMaxMs,
            "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR",
            "Lower replica.fetch.wait.max.ms, or raise replica.lag.time.max.ms.");
        var delayMs = Get(ConfigKeys.ConnectionFailedAuthenticationDelayMs);
        var idleMs = Get(ConfigKeys.ConnectionsMaxIdleMs);
        Check(idleMs < 0 || delayMs < idleMs, ConfigKeys.ConnectionFailedAuthenticationDelayMs,
            $"connection.failed.authentication.delay.ms={delayMs} should always be less than connections.max.idle.ms={idleMs} to prevent failed "
            + "authentication responses from timing out", "Raise connections.max.idle.ms.");
        Check(Get(ConfigKeys.QueuedMaxRequestBytes) <= 0 || Get(ConfigKeys.QueuedMaxRequestBytes) >= Get(ConfigKeys.SocketRequestMaxBytes),
            ConfigKeys.QueuedMaxRequestBytes, "queued.max.request.bytes must be larger or equal to socket.request.max.bytes",
            "Raise it, lower socket.request.max.bytes, or write -1 for no limit.");
        Check(Get(ConfigKeys.MaxConnectionsPerIp) != 0 || Get(ConfigKeys.MaxConnectionsPerIpOverrides).Length > 0, ConfigKeys.MaxConnectionsPerIp,
            "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.",
            "Write a limit above 0, or list the addresses that may connect in max.connections.per.ip.overrides.");
    }

    private void CheckGroups()
    {
        var protocols = Get(ConfigKeys.GroupCoordinatorRebalanceProtocols);
        Check(protocols.Contains("classic"), ConfigKeys.GroupCoordinatorRebalanceProtocols, "Disabling the 'classic' protocol is not supported.",
            "Add classic to the list.");
        Check(!protocols.Contains("consumer") && !protocols.Contains("share"), ConfigKeys.GroupCoordinatorRebalanceProtocols,
            "The new 'consumer' rebalance protocol is only supported in KRaft cluster.", "Write classic; consumers fall back to it by group.protocol=classic.");
    }

    private void CheckAccess() =>
        // To go on would leave open to everybody what somebody meant to protect.
        Check(Get(ConfigKeys.AuthorizerClassName).Length == 0, ConfigKeys.AuthorizerClassName, "Authorization was asked for, and this version has no authorizer.",
            "Remove authorizer.class.name if every client may do everything.");

    private T Get<T>(ConfigKey<T> key) => (T)values[key.Index]!;

    private void Check(bool holds, ConfigKey key, string reason, string remedy)
    {
        // A value that could not be read was reported already, and its default says nothing about it.
        if (!holds && !errors.Exists(error => error.Key == key.Name))
        {
            Error(key, reason, remedy);
        }
    }

    private void Error(ConfigKey key, string reason, string remedy)
    {
        given.TryGetValue(key.Name, out var entry);
        errors.Add(new ConfigError(key.Name, entry.Value ?? key.DefaultText, entry.Origin, reason, remedy));
    }
}
