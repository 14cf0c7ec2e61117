using Broker.ZooKeeper;

namespace Broker.Ensemble;

/// <summary>
/// Kafka's access lists under zookeeper.set.acl: only brokers write; everybody reads, except where secrets are; old consumers keep their own nodes.
/// </summary>
internal static class ZnodeAccess
{
    private static readonly string[] Secret = ["/config/users", "/config/brokers", "/delegation_token/tokens"];
    private static readonly string[] Open = ["/consumers"];

    public static IReadOnlyList<ZooKeeperAcl> Of(string path) =>
        Array.Exists(Open, root => IsAtOrBelow(path, root)) ? ZooKeeperAcl.Open
        : Array.Exists(Secret, root => IsAtOrBelow(path, root)) ? ZooKeeperAcl.CreatorAll
        : ZooKeeperAcl.CreatorAllWorldRead;

    private static bool IsAtOrBelow(string path, string root) => path.StartsWith(root, StringComparison.Ordinal) && (path.Length == root.Length || path[root.Length] == '/');
}
