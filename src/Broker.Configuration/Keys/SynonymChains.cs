namespace Broker.Configuration;

/// <summary>Keys that speak of the same thing in different units, strongest first. Factors lead to ms.</summary>
internal static class SynonymChains
{
    public static readonly IReadOnlyList<ConfigSynonymKey> Roll = [new("log.roll.ms"), new("log.roll.hours", 3_600_000)];

    public static readonly IReadOnlyList<ConfigSynonymKey> RollJitter = [new("log.roll.jitter.ms"), new("log.roll.jitter.hours", 3_600_000)];

    public static readonly IReadOnlyList<ConfigSynonymKey> Retention =
        [new("log.retention.ms"), new("log.retention.minutes", 60_000), new("log.retention.hours", 3_600_000)];

    public static readonly IReadOnlyList<ConfigSynonymKey> Flush = [new("log.flush.interval.ms"), new("log.flush.scheduler.interval.ms")];

    public static IReadOnlyList<ConfigSynonymKey> Of(ConfigKey broker) => broker.Synonyms;
}
