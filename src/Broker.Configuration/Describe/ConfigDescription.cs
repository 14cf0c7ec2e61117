namespace Broker.Configuration;

/// <summary>One entry of DescribeConfigs: the effective value, where it comes from, and the other values that stand behind it.</summary>
public sealed record ConfigDescription(
    string Name,
    string? Value,
    ConfigSource Source,
    bool IsSensitive,
    bool IsReadOnly,
    ConfigType Type,
    string? Documentation,
    IReadOnlyList<ConfigSynonym> Synonyms)
{
    /// <summary>For DescribeConfigs v0: nobody set the value.</summary>
    public bool IsDefault => Source == ConfigSource.Default;
}
