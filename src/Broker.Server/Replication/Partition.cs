using Broker.Cluster;
using Broker.Protocol;
using Broker.Storage;

namespace Broker.Server;

/// <summary>
/// A partition that this broker hosts: its log, the leadership it was given, and the fetches that wait for its next records.
/// Thread-safe: the log serialises appends, the role is one immutable reference, the waiter list has its own lock.
/// </summary>
internal sealed class Partition(PartitionLog log)
{
    private readonly Lock _waitersLock = new();
    private readonly List<FetchWaiter> _waiters = [];
    private volatile int _waiterCount;
    private volatile PartitionImage? _role;

    public PartitionLog Log { get; } = log;

    public TopicPartition TopicPartition => Log.TopicPartition;

    /// <summary>Leadership as the controller last told it; null until the first LeaderAndIsr.</summary>
    public PartitionImage? Role => _role;

    public int LeaderEpoch => _role?.LeaderEpoch ?? -1;

    /// <summary>Takes the leadership that the controller decided. Called by the one thread that applies controller decisions.</summary>
    public void BecomeLeader(PartitionImage role)
    {
        Log.BecomeLeader(role.LeaderEpoch);
        _role = role;
        AdvanceHighWatermark();
    }

    /// <summary>Ends leadership: later requests are refused and waiting fetches look again.</summary>
    public void Stop()
    {
        _role = null;
        WakeAll();
    }

    /// <summary>Checks that this broker leads and that the caller's idea of the leader epoch (-1: none given) is the current one.</summary>
    public ErrorCode CheckLeader(int brokerId, int callerLeaderEpoch)
    {
        PartitionImage? role = _role;
        if (Log.IsOffline)
        {
            return ErrorCode.KafkaStorageError;
        }

        if (role is null || role.Leader != brokerId)
        {
            return ErrorCode.NotLeaderOrFollower;
        }

        return callerLeaderEpoch < 0 || callerLeaderEpoch == role.LeaderEpoch ? ErrorCode.None
            : callerLeaderEpoch < role.LeaderEpoch ? ErrorCode.FencedLeaderEpoch
            : ErrorCode.UnknownLeaderEpoch;
    }

    /// <summary>
    /// Appends as leader and makes the records visible. With <paramref name="requiredAcks"/> -1 the in-sync set must be large enough.
    /// <paramref name="verification"/>: see <see cref="PartitionLog.AppendAsLeader"/>.
    /// </summary>
    public AppendResult Append(Memory<byte> records, AppendOrigin origin, short requiredAcks, TransactionVerification? verification = null)
    {
        PartitionImage? role = _role;
        if (role is null)
        {
            return Refused(ErrorCode.NotLeaderOrFollower, null);
        }

        if (requiredAcks == -1 && role.Isr.Length < Log.Config.MinInsyncReplicas)
        {
            return Refused(
                ErrorCode.NotEnoughReplicas,
                $"The size of the current ISR {role.Isr.Length} is insufficient to satisfy the min.isr requirement of {Log.Config.MinInsyncReplicas} for partition {TopicPartition}");
        }

        AppendResult result = Log.AppendAsLeader(records, role.LeaderEpoch, origin, verification);
        if (result is { Error: ErrorCode.None, IsDuplicate: false, IsFlushDue: false })
        {
            AdvanceHighWatermark();
            // A marker sets free more than its own bytes for those who read committed records only.
            Wake(origin == AppendOrigin.Coordinator ? int.MaxValue : records.Length);
        }

        return result;
    }

    /// <summary>For an append that says <see cref="AppendResult.IsFlushDue"/>: waits for a flush shared with others, and only then makes the records visible.</summary>
    /// <returns>None, or KafkaStorageError: nobody knows then what is on the disk, and nothing may be acknowledged.</returns>
    public async Task<ErrorCode> FlushAsync(AppendResult result, int bytes)
    {
        ErrorCode error = await Log.FlushAsync().ConfigureAwait(false);
        if (error == ErrorCode.None)
        {
            Log.AdvanceHighWatermark(result.LastOffset + 1);
            Wake(bytes);
        }

        return error;
    }

    /// <summary>Lets a fetch know of every later append until it is removed.</summary>
    public void AddWaiter(FetchWaiter waiter)
    {
        lock (_waitersLock)
        {
            _waiters.Add(waiter);
            _waiterCount = _waiters.Count;
        }
    }

    public void RemoveWaiter(FetchWaiter waiter)
    {
        lock (_waitersLock)
        {
            int index = _waiters.IndexOf(waiter);
            if (index >= 0)
            {
                _waiters[index] = _waiters[^1];
                _waiters.RemoveAt(_waiters.Count - 1);
                _waiterCount = _waiters.Count;
            }
        }
    }

    // Without followers every record is replicated as far as it ever will be the moment it is in the log.
    private void AdvanceHighWatermark() => Log.AdvanceHighWatermark(Log.LogEndOffset);

    private AppendResult Refused(ErrorCode error, string? message) => new(error, message, null, -1, -1, -1, Log.LogStartOffset, false);

    private void WakeAll() => Wake(int.MaxValue);

    private void Wake(int bytes)
    {
        if (_waiterCount == 0)
        {
            return;
        }

        lock (_waitersLock)
        {
            foreach (FetchWaiter waiter in _waiters)
            {
                waiter.OnAppended(bytes);
            }
        }
    }
}
