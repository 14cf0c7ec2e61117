namespace Broker.Server;

/// <summary>
/// The bit fields of allowed ACL operations that responses carry when asked (bit n = operation code n). Without an authorizer everything is allowed.
/// </summary>
internal static class AuthorizedOperations
{
    /// <summary>The value for "not asked".</summary>
    public const int NotRequested = int.MinValue;

    private const int Read = 1 << 3, Write = 1 << 4, Create = 1 << 5, Delete = 1 << 6, Alter = 1 << 7, Describe = 1 << 8,
        ClusterAction = 1 << 9, DescribeConfigs = 1 << 10, AlterConfigs = 1 << 11, IdempotentWrite = 1 << 12;

    public const int Topic = Read | Write | Create | Delete | Alter | Describe | DescribeConfigs | AlterConfigs;

    public const int Cluster = Create | Alter | Describe | ClusterAction | DescribeConfigs | AlterConfigs | IdempotentWrite;
}
