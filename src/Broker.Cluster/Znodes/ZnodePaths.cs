namespace Broker.Cluster;

/// <summary>Kafka's paths in the coordination tree, as ZooKeeper tools show them.</summary>
internal static class ZnodePaths
{
    public const string ClusterId = "/cluster/id";
    public const string BrokerIds = "/brokers/ids";
    public const string BrokerTopics = "/brokers/topics";
    public const string BrokerSequence = "/brokers/seqid";
    public const string Controller = "/controller";
    public const string ControllerEpoch = "/controller_epoch";
    public const string ConfigTopics = "/config/topics";
    public const string ConfigBrokers = "/config/brokers";
    public const string ConfigChanges = "/config/changes";
    public const string ConfigChangePrefix = "/config/changes/config_change_";
    public const string DeleteTopics = "/admin/delete_topics";
    public const string ProducerIdBlock = "/latest_producer_id_block";
    public const string Feature = "/feature";
    public const string PreferredElection = "/admin/preferred_replica_election";
    public const string LogDirEvents = "/log_dir_event_notification";
    public const string LogDirEventPrefix = "/log_dir_event_notification/log_dir_event_";
    public const string Reassignment = "/admin/reassign_partitions";

    /// <summary>Made at every broker start where missing.</summary>
    public static readonly string[] Persistent =
    [
        "/consumers", BrokerIds, BrokerTopics, ConfigChanges, DeleteTopics, BrokerSequence, "/isr_change_notification", ProducerIdBlock,
        LogDirEvents, ConfigTopics, "/config/clients", "/config/users", ConfigBrokers, "/config/ips",
    ];

    public static string Broker(int id) => $"{BrokerIds}/{id}";

    public static string Topic(string name) => $"{BrokerTopics}/{name}";

    public static string Partitions(string topic) => $"{BrokerTopics}/{topic}/partitions";

    public static string Partition(string topic, int index) => $"{BrokerTopics}/{topic}/partitions/{index}";

    public static string State(string topic, int index) => $"{BrokerTopics}/{topic}/partitions/{index}/state";

    public static string TopicConfig(string name) => $"{ConfigTopics}/{name}";

    public static string BrokerConfig(string entity) => $"{ConfigBrokers}/{entity}";

    public static string DeleteTopic(string name) => $"{DeleteTopics}/{name}";
}
