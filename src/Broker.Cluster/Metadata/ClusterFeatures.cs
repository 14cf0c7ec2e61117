namespace Broker.Cluster;

/// <summary>
/// Features whose level the whole cluster agrees on, and the levels that this version can run with. Level 0 is the state before the feature existed and is
/// not kept in the tree.
/// </summary>
public static class ClusterFeatures
{
    /// <summary>1: the records of __transaction_state may carry more fields. 2: every transaction has its own epoch (KIP-890).</summary>
    public const string TransactionVersion = "transaction.version";

    public static IReadOnlyList<SupportedFeature> Supported { get; } = [new(TransactionVersion, 0, 2)];

    internal static SupportedFeature? Find(string name)
    {
        foreach (SupportedFeature feature in Supported)
        {
            if (feature.Name == name)
            {
                return feature;
            }
        }

        return null;
    }
}

/// <summary>A feature and the range of levels that can be put in force.</summary>
public sealed record SupportedFeature(string Name, short MinLevel, short MaxLevel);
