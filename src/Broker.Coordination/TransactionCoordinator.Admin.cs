using Broker.Protocol.Messages;

namespace Broker.Coordination;

/// <content>DescribeTransactions and ListTransactions.</content>
public sealed partial class TransactionCoordinator
{
    /// <summary>Version 0.</summary>
    public DescribeTransactionsResponse Describe(DescribeTransactionsRequest request)
    {
        List<DescribeTransactionsResponse.DescribedTransaction> described = [];
        foreach (string id in request.TransactionalIds)
        {
            described.Add(Describe(id));
        }
        return new DescribeTransactionsResponse { TransactionStates = described };
    }

    private DescribeTransactionsResponse.DescribedTransaction Describe(string id)
    {
        TransactionSnapshot? found = null;
        ErrorCode error = id.Length == 0 ? ErrorCode.InvalidRequest
            : !_started.Task.IsCompletedSuccessfully ? ErrorCode.CoordinatorNotAvailable
            : !TryRoute(id, out CoordinatorPartition<TransactionShard>? partition) ? ErrorCode.NotCoordinator
            : partition.Read(shard => found = shard.Find(id));
        if (error == ErrorCode.None && (found is null || found.Epoch == TransactionSnapshot.NoEpoch))
        {
            error = ErrorCode.TransactionalIdNotFound;
        }
        if (error != ErrorCode.None)
        {
            return new() { ErrorCode = error, TransactionalId = id };
        }
        return new()
        {
            TransactionalId = id,
            TransactionState = NameOf(found!.State),
            TransactionTimeoutMs = found.TimeoutMs,
            TransactionStartTimeMs = found.StartMs,
            ProducerId = found.ProducerId,
            ProducerEpoch = found.Epoch,
            Topics = found.Partitions.GroupBy(partition => partition.Topic, StringComparer.Ordinal).OrderBy(topic => topic.Key, StringComparer.Ordinal)
                .Select(topic => new DescribeTransactionsResponse.TopicData { Topic = topic.Key, Partitions = topic.Select(p => p.Partition).Order().ToArray() }).ToArray(),
        };
    }

    /// <summary>Versions 0 and 1: the transactional ids of this node. None at all while one of its partitions is being loaded, so that no list looks complete that is not.</summary>
    public ListTransactionsResponse List(ListTransactionsRequest request)
    {
        if (!_started.Task.IsCompletedSuccessfully)
        {
            return new ListTransactionsResponse { ErrorCode = ErrorCode.CoordinatorNotAvailable };
        }
        HashSet<TransactionState> states = [];
        List<string> unknown = [];
        foreach (string name in request.StateFilters)
        {
            if (StateOf(name) is { } state)
            {
                states.Add(state);
            }
            else
            {
                unknown.Add(name);
            }
        }
        HashSet<long> producers = [.. request.ProducerIdFilters.ToArray()];
        long nowMs = _clock.Now.UnixMs;
        List<ListTransactionsResponse.ListedTransaction> listed = [];
        foreach (CoordinatorPartition<TransactionShard> partition in _partitions.All)
        {
            ErrorCode error = partition.Read(shard =>
            {
                foreach ((string id, TransactionSnapshot found) in shard.All)
                {
                    bool isWanted = (states.Count == 0 || states.Contains(found.State)) && (producers.Count == 0 || producers.Contains(found.ProducerId))
                        && (request.DurationFilter < 0 || nowMs - found.StartMs > request.DurationFilter);
                    if (isWanted)
                    {
                        listed.Add(new() { TransactionalId = id, ProducerId = found.ProducerId, TransactionState = NameOf(found.State) });
                    }
                }
            });
            if (error == ErrorCode.CoordinatorLoadInProgress)
            {
                return new ListTransactionsResponse { ErrorCode = error };
            }
        }
        return new ListTransactionsResponse { UnknownStateFilters = unknown, TransactionStates = listed };
    }

    private static string NameOf(TransactionState state) => state switch
    {
        TransactionState.Empty => "Empty",
        TransactionState.Ongoing => "Ongoing",
        TransactionState.PrepareCommit => "PrepareCommit",
        TransactionState.PrepareAbort => "PrepareAbort",
        TransactionState.CompleteCommit => "CompleteCommit",
        TransactionState.CompleteAbort => "CompleteAbort",
        _ => "Dead",
    };

    /// <summary>The state before a fencing takes effect, which Kafka knows, has no time of its own here: nothing is ever in it.</summary>
    private static TransactionState? StateOf(string name) => name switch
    {
        "Empty" => TransactionState.Empty,
        "Ongoing" => TransactionState.Ongoing,
        "PrepareCommit" => TransactionState.PrepareCommit,
        "PrepareAbort" => TransactionState.PrepareAbort,
        "CompleteCommit" => TransactionState.CompleteCommit,
        "CompleteAbort" => TransactionState.CompleteAbort,
        "Dead" or "PrepareEpochFence" => TransactionState.Dead,
        _ => null,
    };
}
