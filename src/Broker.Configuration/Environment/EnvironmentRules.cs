using System.Globalization;

namespace Broker.Configuration;

/// <summary>
/// Turns environment variables into keys by the rules of the images that composes were written for. One class, three styles; the style is
/// BROKER_IMAGE_STYLE (kafka, wurstmeister, bitnami) or read from the variables that only one of them has. Pure but for the commands of
/// the wurstmeister style, which the caller runs.
/// </summary>
public sealed class EnvironmentRules
{
    public const string StyleVariable = "BROKER_IMAGE_STYLE";

    private const string Prefix = "KAFKA_";
    private const string BitnamiPrefix = "KAFKA_CFG_";

    private readonly SortedDictionary<string, string> _variables = new(StringComparer.Ordinal);
    private readonly Func<string, string> _run;
    private readonly List<ConfigEntry> _entries = [];
    private readonly List<ConfigEntry> _defaults = [];
    private readonly List<ConfigError> _errors = [];

    private EnvironmentRules(IEnumerable<KeyValuePair<string, string>> variables, Func<string, string> run)
    {
        foreach (var (name, value) in variables)
        {
            _variables[name] = value;
        }

        _run = run;
    }

    /// <param name="variables">The environment.</param>
    /// <param name="runCommand">Runs a shell command line and gives its output (HOSTNAME_COMMAND and the like).</param>
    public static EnvironmentSettings Read(IEnumerable<KeyValuePair<string, string>> variables, Func<string, string>? runCommand = null) =>
        new EnvironmentRules(variables, runCommand ?? (_ => "")).Read();

    private EnvironmentSettings Read()
    {
        var style = Style();
        switch (style)
        {
            case ImageStyle.Kafka:
                Map(Prefix, ExcludedByKafka, KafkaName);
                DeriveListeners();
                DefaultInImage("log.dirs", "/var/lib/kafka/data");
                break;
            case ImageStyle.Wurstmeister:
                Map(Prefix, ExcludedByWurstmeister, name => name.ToLowerInvariant().Replace('_', '.'));
                RunCommands();
                DefaultInImage("log.dirs", $"/kafka/kafka-logs-{_variables.GetValueOrDefault("HOSTNAME", "broker")}");
                break;
            default:
                MapBitnamiAliases();
                Map(BitnamiPrefix, [], BitnamiName);
                DefaultInImage("log.dirs", "/bitnami/kafka/data");
                break;
        }

        return new EnvironmentSettings(
            style, _entries, _defaults, _errors, _variables.GetValueOrDefault("CLUSTER_ID") ?? _variables.GetValueOrDefault("KAFKA_KRAFT_CLUSTER_ID"), Topics());
    }

    private ImageStyle Style()
    {
        if (_variables.TryGetValue(StyleVariable, out var text) && text.Length > 0)
        {
            if (Enum.TryParse<ImageStyle>(text, ignoreCase: true, out var style) && Enum.IsDefined(style))
            {
                return style;
            }

            _errors.Add(new ConfigError(StyleVariable, text, "environment", $"{text} is not a style of image.", "Write kafka, wurstmeister or bitnami, or unset it."));
        }

        return _variables.Keys.Any(name => name.StartsWith(BitnamiPrefix, StringComparison.Ordinal)) || _variables.ContainsKey("ALLOW_PLAINTEXT_LISTENER")
            ? ImageStyle.Bitnami
            : WurstmeisterMarks.Any(_variables.ContainsKey) ? ImageStyle.Wurstmeister : ImageStyle.Kafka;
    }

    private void Map(string prefix, HashSet<string> excluded, Func<string, string> toKey)
    {
        foreach (var (name, value) in _variables)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal) && !excluded.Contains(name) && !IsServiceLink(name, value))
            {
                _entries.Add(new ConfigEntry(toKey(name[prefix.Length..]), value, name));
            }
        }
    }

    // A Kubernetes service or a Docker link called "kafka" puts these into every container beside it; KAFKA_PORT is then an address.
    private static bool IsServiceLink(string name, string value) =>
        name is "KAFKA_SERVICE_HOST" or "KAFKA_NAME"
        || name.StartsWith("KAFKA_SERVICE_PORT", StringComparison.Ordinal)
        || name.StartsWith("KAFKA_ENV_", StringComparison.Ordinal)
        || (name.StartsWith("KAFKA_PORT", StringComparison.Ordinal) && (name.Contains("_TCP", StringComparison.Ordinal) || value.Contains("://", StringComparison.Ordinal)));

    private static string KafkaName(string name) =>
        name == "ZOOKEEPER_CLIENT_CNXN_SOCKET"
            ? ConfigKeys.ZookeeperClientCnxnSocket.Name
            : name.ToLowerInvariant().Replace('_', '.').Replace("...", "-", StringComparison.Ordinal).Replace("..", "_", StringComparison.Ordinal);

    private static string BitnamiName(string name) =>
        name == "ZOOKEEPER_CLIENTCNXNSOCKET"
            ? ConfigKeys.ZookeeperClientCnxnSocket.Name
            : name.ToLowerInvariant().Replace('_', '.')
                .Replace("sasl.ssl", "sasl_ssl", StringComparison.Ordinal).Replace("sasl.plaintext", "sasl_plaintext", StringComparison.Ordinal);

    /// <summary>Both images listen on every interface at the advertised ports when only advertised addresses are given.</summary>
    private void DeriveListeners()
    {
        if (Value("advertised.listeners") is not { } advertised || Value("listeners") is not null)
        {
            return;
        }

        var derived = ListenerText.Elements(advertised).Select(element =>
            ListenerText.TryParse(element, out var name, out _, out var port)
                ? string.Create(CultureInfo.InvariantCulture, $"{name}://0.0.0.0:{port}")
                : element);
        _entries.Add(new ConfigEntry("listeners", string.Join(',', derived), "KAFKA_ADVERTISED_LISTENERS"));
    }

    private void RunCommands()
    {
        var hasAdvertised = Value("advertised.listeners") is not null;
        if (hasAdvertised && Value("listeners") is null)
        {
            _errors.Add(new ConfigError("listeners", null, "KAFKA_ADVERTISED_LISTENERS", "KAFKA_ADVERTISED_LISTENERS is set and KAFKA_LISTENERS is not.",
                "Set KAFKA_LISTENERS as well, with the same names, for example INSIDE://:9093,OUTSIDE://:9092."));
        }

        var host = Output("HOSTNAME_COMMAND");
        var port = Output("PORT_COMMAND");
        for (var i = 0; i < _entries.Count; i++)
        {
            var value = _entries[i].Value.Replace("_{HOSTNAME_COMMAND}", host, StringComparison.Ordinal).Replace("_{PORT_COMMAND}", port, StringComparison.Ordinal);
            _entries[i] = _entries[i] with { Value = value };
        }

        SetUnlessGiven("broker.rack", Output("RACK_COMMAND"), "RACK_COMMAND");
        SetUnlessGiven("broker.id", Output("BROKER_ID_COMMAND"), "BROKER_ID_COMMAND");
        if (!hasAdvertised)
        {
            SetUnlessGiven("advertised.host.name", host, "HOSTNAME_COMMAND");
            SetUnlessGiven("advertised.port", port, "PORT_COMMAND");
        }
    }

    private string Output(string variable) => _variables.TryGetValue(variable, out var command) && command.Length > 0 ? _run(command).Trim() : "";

    private void MapBitnamiAliases()
    {
        foreach (var (name, key) in BitnamiAliases)
        {
            if (_variables.TryGetValue(name, out var value))
            {
                _entries.Add(new ConfigEntry(key, value, name));
            }
        }
    }

    private List<TopicToCreate> Topics()
    {
        var topics = new List<TopicToCreate>();
        var separator = _variables.GetValueOrDefault("KAFKA_CREATE_TOPICS_SEPARATOR") is { Length: > 0 } given ? given : ",";
        var text = _variables.GetValueOrDefault("KAFKA_CREATE_TOPICS", "");
        foreach (var element in text.Split(separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = element.Split(':', StringSplitOptions.TrimEntries);
            if (parts is [var name, var partitionText, var replicaText, ..] && name.Length > 0
                && int.TryParse(partitionText, CultureInfo.InvariantCulture, out var partitions) && short.TryParse(replicaText, CultureInfo.InvariantCulture, out var replicas))
            {
                topics.Add(new TopicToCreate(name, partitions, replicas, parts.Length > 3 ? parts[3] : null));
            }
            else
            {
                _errors.Add(new ConfigError("KAFKA_CREATE_TOPICS", element, "environment", $"'{element}' does not describe a topic.",
                    "Write name:partitions:replicas or name:partitions:replicas:cleanup.policy."));
            }
        }

        return topics;
    }

    // Where the volumes of such a compose are mounted; outside an image nothing is known of the machine's directories.
    private void DefaultInImage(string key, string value)
    {
        if (_variables.ContainsKey("BROKER_IN_IMAGE"))
        {
            _defaults.Add(new ConfigEntry(key, value, "image"));
        }
    }

    private void SetUnlessGiven(string key, string value, string origin)
    {
        if (value.Length > 0 && Value(key) is null)
        {
            _entries.Add(new ConfigEntry(key, value, origin));
        }
    }

    private string? Value(string key) => _entries.LastOrDefault(entry => entry.Key == key) is { Key: not null } entry ? entry.Value : null;

    private static readonly string[] WurstmeisterMarks =
    [
        "KAFKA_CREATE_TOPICS", "HOSTNAME_COMMAND", "PORT_COMMAND", "BROKER_ID_COMMAND", "RACK_COMMAND", "CUSTOM_INIT_SCRIPT", "KAFKA_ADVERTISED_HOST_NAME",
    ];

    // Variables of the start scripts and the Java virtual machine, not keys.
    private static readonly HashSet<string> ExcludedByKafka =
    [
        "KAFKA_VERSION", "KAFKA_HEAP_OPTS", "KAFKA_LOG4J_OPTS", "KAFKA_OPTS", "KAFKA_JMX_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_GC_LOG_OPTS",
        "KAFKA_LOG4J_ROOT_LOGLEVEL", "KAFKA_LOG4J_LOGGERS", "KAFKA_TOOLS_LOG4J_LOGLEVEL", "KAFKA_JMX_HOSTNAME", "KAFKA_JMX_PORT", "KAFKA_HOME",
        "KAFKA_CUB_ZK_TIMEOUT", "KAFKA_CREATE_TOPICS", "KAFKA_CREATE_TOPICS_SEPARATOR",
    ];

    private static readonly HashSet<string> ExcludedByWurstmeister =
    [
        "KAFKA_VERSION", "KAFKA_HOME", "KAFKA_DEBUG", "KAFKA_GC_LOG_OPTS", "KAFKA_HEAP_OPTS", "KAFKA_JMX_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_LOG",
        "KAFKA_OPTS", "KAFKA_CREATE_TOPICS", "KAFKA_CREATE_TOPICS_SEPARATOR",
    ];

    private static readonly (string Name, string Key)[] BitnamiAliases =
    [
        ("KAFKA_BROKER_ID", "broker.id"),
        ("KAFKA_NODE_ID", "node.id"),
        ("KAFKA_ZOOKEEPER_CONNECT", "zookeeper.connect"),
        ("KAFKA_LISTENERS", "listeners"),
        ("KAFKA_ADVERTISED_LISTENERS", "advertised.listeners"),
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "listener.security.protocol.map"),
        ("KAFKA_INTER_BROKER_LISTENER_NAME", "inter.broker.listener.name"),
        ("KAFKA_LOG_DIRS", "log.dirs"),
        ("KAFKA_LOGS_DIRS", "log.dirs"),
        ("KAFKA_NUM_PARTITIONS", "num.partitions"),
        ("KAFKA_SEGMENT_BYTES", "log.segment.bytes"),
        ("KAFKA_LOG_SEGMENT_BYTES", "log.segment.bytes"),
        ("KAFKA_LOG_RETENTION_HOURS", "log.retention.hours"),
        ("KAFKA_LOG_RETENTION_BYTES", "log.retention.bytes"),
        ("KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS", "log.retention.check.interval.ms"),
        ("KAFKA_MAX_MESSAGE_BYTES", "message.max.bytes"),
        ("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "auto.create.topics.enable"),
        ("KAFKA_DEFAULT_REPLICATION_FACTOR", "default.replication.factor"),
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "offsets.topic.replication.factor"),
        ("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "transaction.state.log.replication.factor"),
        ("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "transaction.state.log.min.isr"),
        ("KAFKA_NUM_NETWORK_THREADS", "num.network.threads"),
        ("KAFKA_NUM_IO_THREADS", "num.io.threads"),
        ("KAFKA_NUM_RECOVERY_THREADS_PER_DATA_DIR", "num.recovery.threads.per.data.dir"),
        ("KAFKA_SOCKET_SEND_BUFFER_BYTES", "socket.send.buffer.bytes"),
        ("KAFKA_SOCKET_RECEIVE_BUFFER_BYTES", "socket.receive.buffer.bytes"),
        ("KAFKA_SOCKET_REQUEST_MAX_BYTES", "socket.request.max.bytes"),
        ("KAFKA_DELETE_TOPIC_ENABLE", "delete.topic.enable"),
    ];
}
