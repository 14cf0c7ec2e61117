namespace Broker.Cluster;

/// <param name="Nodes">What the source holds and the target has now.</param>
/// <param name="Written">The changes that were needed; 0 when the target had everything.</param>
/// <param name="FeatureLevels">In force in the tree that was copied.</param>
public sealed record TreeCopyResult(int Nodes, int Written, IReadOnlyDictionary<string, short> FeatureLevels);
