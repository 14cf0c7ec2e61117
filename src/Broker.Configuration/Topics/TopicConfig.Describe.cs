namespace Broker.Configuration;

public sealed partial class TopicConfig
{
    /// <summary>Every key of a topic for DescribeConfigs and CreateTopics, by name.</summary>
    public static IReadOnlyList<ConfigDescription> Describe(BrokerConfig broker, IReadOnlyDictionary<string, string> overrides)
    {
        var config = Create(broker, overrides);
        return [.. TopicConfigKeys.All.OrderBy(key => key.Name, StringComparer.Ordinal).Select(key => Describe(broker, overrides, config, key))];
    }

    private static ConfigDescription Describe(BrokerConfig broker, IReadOnlyDictionary<string, string> overrides, TopicConfig config, ConfigKey key)
    {
        var value = ConfigValue.Format(config.ValueOf(key));
        IReadOnlyList<ConfigSynonym> synonyms = key.Synonyms is [var first, ..] ? broker.SynonymsOf(first.Name) : [];
        if (overrides.ContainsKey(key.Name))
        {
            synonyms = [new ConfigSynonym(key.Name, value, ConfigSource.DynamicTopic), .. synonyms];
        }

        var source = synonyms.Count > 0 ? synonyms[0].Source : ConfigSource.Default;
        return new ConfigDescription(key.Name, value, source, key.IsSensitive, IsReadOnly: false, key.Type, key.Documentation, synonyms);
    }

    /// <summary>Checks overrides as CreateTopics and AlterConfigs must; null when all is well.</summary>
    public static ConfigProblem? Validate(BrokerConfig broker, IReadOnlyDictionary<string, string> overrides)
    {
        foreach (var name in overrides.Keys)
        {
            if (!TopicConfigKeys.TryFind(name, out _))
            {
                return ConfigProblem.Config($"Unknown topic config name: {name}");
            }
        }

        foreach (var key in TopicConfigKeys.All)
        {
            if (overrides.TryGetValue(key.Name, out var text) && !key.TryParse(text, out _, out var error))
            {
                return ConfigProblem.Value(error!);
            }
        }

        return CheckTogether(Create(broker, overrides));
    }

    private static ConfigProblem? CheckTogether(TopicConfig config)
    {
        if (config.MinCompactionLagMs > config.MaxCompactionLagMs)
        {
            return ConfigProblem.Config(
                $"conflict topic config setting min.compaction.lag.ms ({config.MinCompactionLagMs}) > max.compaction.lag.ms ({config.MaxCompactionLagMs})");
        }

        return config.Get(TopicConfigKeys.RemoteStorageEnable)
            ? ConfigProblem.Value("Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.")
            : null;
    }
}
