using System.Globalization;
using Broker.Cluster;
using Broker.Configuration;

namespace Broker.Server;

/// <summary>
/// The configuration in force: the static one with what was changed at run time on top. Readers take <see cref="Current"/>, an immutable snapshot;
/// the controller's thread swaps it.
/// </summary>
internal sealed class ConfigStore(BrokerConfig initial, int brokerId)
{
    private static readonly Dictionary<string, string> None = [];

    private volatile BrokerConfig _current = initial;

    public BrokerConfig Current => _current;

    public int FetchMaxBytes => Current.Get(ConfigKeys.FetchMaxBytes);

    public bool AutoCreateTopics => Current.Get(ConfigKeys.AutoCreateTopicsEnable);

    public bool DeleteTopicEnable => Current.Get(ConfigKeys.DeleteTopicEnable);

    /// <summary>Name of this broker's entity under /config/brokers.</summary>
    public string Entity { get; } = brokerId.ToString(CultureInfo.InvariantCulture);

    /// <summary>Takes the dynamic values of an image.</summary>
    public void Apply(IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> brokerConfigs) =>
        _current = _current.WithDynamic(
            brokerConfigs.GetValueOrDefault(Entity) ?? None,
            brokerConfigs.GetValueOrDefault(MetadataImage.DefaultEntity) ?? None);

    public TopicConfig Topic(IReadOnlyDictionary<string, string> overrides) => TopicConfig.Create(Current, overrides);

    public IReadOnlyList<ConfigDescription> DescribeTopic(IReadOnlyDictionary<string, string> overrides) => TopicConfig.Describe(Current, overrides);

    /// <summary>How a coordinator's topic is made.</summary>
    public NewTopic InternalTopic(string name)
    {
        BrokerConfig config = Current;
        bool offsets = name == InternalTopics.ConsumerOffsets;
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["cleanup.policy"] = "compact",
            ["compression.type"] = offsets ? "producer" : "uncompressed",
            ["segment.bytes"] = config.Get(offsets ? ConfigKeys.OffsetsTopicSegmentBytes : ConfigKeys.TransactionStateLogSegmentBytes).ToString(CultureInfo.InvariantCulture),
        };
        if (!offsets)
        {
            settings["min.insync.replicas"] = config.Get(ConfigKeys.TransactionStateLogMinIsr).ToString(CultureInfo.InvariantCulture);
            settings["unclean.leader.election.enable"] = "false";
        }

        return new NewTopic(
            name,
            config.Get(offsets ? ConfigKeys.OffsetsTopicNumPartitions : ConfigKeys.TransactionStateLogNumPartitions),
            config.Get(offsets ? ConfigKeys.OffsetsTopicReplicationFactor : ConfigKeys.TransactionStateLogReplicationFactor),
            null,
            settings);
    }
}
