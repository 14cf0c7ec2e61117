using System.Collections.Immutable;

namespace Broker.Configuration;

/// <summary>The texts from which a snapshot was made, by source. Immutable.</summary>
internal sealed record ConfigSourceMaps(
    IReadOnlyDictionary<string, ConfigEntry> Static,
    IReadOnlyDictionary<string, string> DynamicBroker,
    IReadOnlyDictionary<string, string> DynamicDefault)
{
    public static IReadOnlyDictionary<string, string> None { get; } = ImmutableDictionary<string, string>.Empty;
}
