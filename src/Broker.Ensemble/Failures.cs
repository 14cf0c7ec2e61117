using Broker.Cluster;
using Broker.ZooKeeper;

namespace Broker.Ensemble;

/// <summary>The client's failures in the words of the tree's contract.</summary>
internal static class Failures
{
    public static CoordinationException Of(ZooKeeperException failure, string path) => failure switch
    {
        ZooKeeperRequestException refusal => new(ErrorOf(refusal.Error), refusal.Path, refusal.Message, refusal.OperationIndex, refusal),
        ZooKeeperConnectionLossException loss => new(CoordinationError.ConnectionLoss, path, loss.Message, 0, loss) { IsOutcomeUnknown = loss.IsOutcomeUnknown },
        ZooKeeperProtocolException broken => new(CoordinationError.ConnectionLoss, path, broken.Message, 0, broken) { IsOutcomeUnknown = broken.IsOutcomeUnknown },
        ZooKeeperSessionExpiredException expired => new(CoordinationError.SessionExpired, path, expired.Message, 0, expired) { IsOutcomeUnknown = expired.IsOutcomeUnknown },
        ZooKeeperClosedException closed => new(CoordinationError.Closed, path, closed.Message, 0, closed) { IsOutcomeUnknown = closed.IsOutcomeUnknown },
        _ => new(CoordinationError.NotPermitted, path, failure.Message, 0, failure),
    };

    public static CoordinationException Ended(TreeConnection connection) =>
        connection == TreeConnection.Closed
            ? new(CoordinationError.Closed, "/", "The coordination tree is closed")
            : new(CoordinationError.SessionExpired, "/", "The session with ZooKeeper is over");

    private static CoordinationError ErrorOf(ZooKeeperError error) => error switch
    {
        ZooKeeperError.NoNode => CoordinationError.NoNode,
        ZooKeeperError.NodeExists => CoordinationError.NodeExists,
        ZooKeeperError.BadVersion => CoordinationError.BadVersion,
        ZooKeeperError.NotEmpty => CoordinationError.NotEmpty,
        ZooKeeperError.NoChildrenForEphemerals => CoordinationError.NoChildrenForEphemerals,
        ZooKeeperError.BadArguments => CoordinationError.BadArguments,
        ZooKeeperError.NoAuth or ZooKeeperError.InvalidAcl or ZooKeeperError.AuthFailed or ZooKeeperError.SessionClosedRequireSaslAuth => CoordinationError.NotPermitted,
        ZooKeeperError.Unimplemented => CoordinationError.Unsupported,
        _ => CoordinationError.StoreFailed,
    };
}
