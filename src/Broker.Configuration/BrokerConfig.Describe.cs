namespace Broker.Configuration;

public sealed partial class BrokerConfig
{
    /// <summary>Every key of this broker for DescribeConfigs, by name: the whole table, and what else somebody set.</summary>
    public IReadOnlyList<ConfigDescription> Describe()
    {
        var names = ConfigKeys.All.Where(key => key.IsListed).Select(key => key.Name)
            .Concat(_sources.Static.Keys).Concat(_sources.DynamicDefault.Keys).Concat(_sources.DynamicBroker.Keys);
        return [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(name => Describe(name, EffectiveText(name), synonym => true))];
    }

    /// <summary>The dynamic values that hold for the whole cluster (the broker resource with an empty name).</summary>
    public IReadOnlyList<ConfigDescription> DescribeClusterDefault() =>
    [
        .. _sources.DynamicDefault.Keys.Order(StringComparer.Ordinal)
            .Select(name => Describe(name, _sources.DynamicDefault[name], synonym => synonym.Source == ConfigSource.DynamicDefaultBroker)),
    ];

    /// <summary>
    /// The values behind a broker key: dynamic of the broker, dynamic default, static, default. Values of other keys of the chain count only
    /// after the first of the key itself, so a topic's retention.ms whose time comes from log.retention.hours has none, as in Kafka.
    /// </summary>
    internal IReadOnlyList<ConfigSynonym> SynonymsOf(string name)
    {
        ConfigKeys.TryFind(name, out var key);
        IReadOnlyList<ConfigSynonymKey> chain = key?.Synonyms ?? [new ConfigSynonymKey(name)];
        var isSensitive = key?.IsSensitive ?? true;
        var synonyms = new List<ConfigSynonym>();
        Add(ConfigSource.DynamicBroker, link => _sources.DynamicBroker.GetValueOrDefault(link));
        Add(ConfigSource.DynamicDefaultBroker, link => _sources.DynamicDefault.GetValueOrDefault(link));
        Add(ConfigSource.StaticBroker, link => _sources.Static.TryGetValue(link, out var entry) ? entry.Value.Trim() : null);
        Add(ConfigSource.Default, link => ConfigKeys.TryFind(link, out var linked) && linked.IsListed ? linked.DefaultText : null);
        return [.. synonyms.SkipWhile(synonym => synonym.Name != name)];

        void Add(ConfigSource source, Func<string, string?> value)
        {
            foreach (var link in chain)
            {
                if (value(link.Name) is { } text)
                {
                    synonyms.Add(new ConfigSynonym(link.Name, isSensitive ? null : text, source));
                }
            }
        }
    }

    private string? EffectiveText(string name) => ConfigKeys.TryFind(name, out var key) ? ConfigValue.Format(_values[key.Index]) : null;

    private ConfigDescription Describe(string name, string? value, Func<ConfigSynonym, bool> counts)
    {
        var isKnown = ConfigKeys.TryFind(name, out var key);
        ConfigSynonym[] synonyms = [.. SynonymsOf(name).Where(counts)];

        // Of a key that is not in the table nobody knows whether it holds a secret, so its value stays here.
        return new ConfigDescription(
            name,
            isKnown && !key.IsSensitive ? value : null,
            synonyms.Length > 0 ? synonyms[0].Source : ConfigSource.Default,
            !isKnown || key.IsSensitive,
            !isKnown || key.Scope == ConfigScope.ReadOnly,
            isKnown ? key.Type : ConfigType.Unknown,
            isKnown ? key.Documentation : null,
            synonyms);
    }
}
