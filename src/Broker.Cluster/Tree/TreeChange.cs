namespace Broker.Cluster;

/// <summary>A change that was decided and only has to be done: what the log keeps. Applying it cannot fail.</summary>
internal readonly record struct TreeChange(TreeOperationKind Kind, string Path, byte[] Data, long EphemeralOwner)
{
    public static TreeChange Deletion(string path) => new(TreeOperationKind.Delete, path, [], 0);
}

/// <summary>All changes of one atomic step.</summary>
internal sealed record TreeTransaction(long Zxid, long TimeMs, IReadOnlyList<TreeChange> Changes);
