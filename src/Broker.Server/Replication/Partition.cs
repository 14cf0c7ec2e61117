using Broker.Cluster;
using Broker.Protocol;
using Broker.Storage;

namespace Broker.Server;

/// <summary>
/// A partition that this broker hosts: its log, the role it was given, and those who wait for its next records or for their replication.
/// Thread-safe: the log serialises appends and refuses those of an older role, the role is one immutable reference, waiters have their own locks.
/// </summary>
internal sealed class Partition(PartitionLog log, int brokerId, TimeProvider time)
{
    private readonly Lock _targetsLock = new();
    private readonly List<FetchTarget> _targets = [];
    private readonly ReplicationWaiters _produces = new();

    // All of them look again whenever a follower's log starts elsewhere.
    private readonly ReplicationWaiters _deletions = new();
    private volatile int _targetCount;
    private volatile PartitionImage? _role;

    // Null unless this broker leads and has followers.
    private volatile LeaderReplicas? _replicas;

    public PartitionLog Log { get; } = log;

    public TopicPartition TopicPartition => Log.TopicPartition;

    /// <summary>The role as the controller last told it, with the ISR in force where this broker leads; null until the first LeaderAndIsr.</summary>
    public PartitionImage? Role => _replicas?.State ?? _role;

    public int LeaderEpoch => _role?.LeaderEpoch ?? -1;

    /// <summary>Whether this broker leads and has followers: then a record counts when they have it.</summary>
    public bool IsReplicated => _replicas is not null;

    /// <summary>Takes the leadership that the controller decided. Called by the one thread that applies controller decisions.</summary>
    public void BecomeLeader(PartitionImage role)
    {
        Log.BecomeLeader(role.LeaderEpoch);
        Log.StartAdvanced = OnLogStart;
        _replicas = role.Replicas.Length > 1 ? new LeaderReplicas(role, brokerId, Log.LogEndOffset, NowMs) : null;
        _role = role;
        AdvanceHighWatermark();
        MarkAll();
    }

    /// <summary>Follows from now on: produces that wait are sent to the new leader, waiting fetches look again.</summary>
    public void BecomeFollower(PartitionImage role)
    {
        Log.BecomeFollower(role.LeaderEpoch);
        Log.StartAdvanced = OnLogStart;
        _replicas = null;
        _role = role;
        EndWaits();
    }

    /// <summary>The same leader epoch told again.</summary>
    public void Refresh(PartitionImage role)
    {
        _replicas?.Refresh(role);
        AdvanceHighWatermark();
        Mark(0, Audience.Followers);
    }

    /// <summary>Ends hosting: later requests are refused.</summary>
    public void Stop()
    {
        _replicas = null;
        _role = null;
        EndWaits();
    }

    /// <summary>The log directory has failed: nothing will be replicated from here any more. True where this broker leads, or thinks so.</summary>
    public bool OnOffline()
    {
        _produces.End(ErrorCode.KafkaStorageError);
        _deletions.End(ErrorCode.KafkaStorageError);
        MarkAll();
        return _role?.Leader == brokerId;
    }

    /// <summary>Checks that this broker leads and that the caller's idea of the leader epoch (-1: none given) is the current one.</summary>
    public ErrorCode CheckLeader(int broker, int callerLeaderEpoch) => Check(callerLeaderEpoch, broker);

    /// <summary>The same for a reader that a follower may serve as well.</summary>
    public ErrorCode CheckReplica(int callerLeaderEpoch) => Check(callerLeaderEpoch, null);

    private ErrorCode Check(int callerLeaderEpoch, int? leader)
    {
        PartitionImage? role = _role;
        if (Log.IsOffline)
        {
            return ErrorCode.KafkaStorageError;
        }

        if (role is null)
        {
            return ErrorCode.NotLeaderOrFollower;
        }

        ErrorCode epoch = callerLeaderEpoch < 0 || callerLeaderEpoch == role.LeaderEpoch ? ErrorCode.None
            : callerLeaderEpoch < role.LeaderEpoch ? ErrorCode.FencedLeaderEpoch
            : ErrorCode.UnknownLeaderEpoch;
        return leader is null || leader == role.Leader || epoch == ErrorCode.UnknownLeaderEpoch ? epoch : ErrorCode.NotLeaderOrFollower;
    }

    /// <summary>
    /// Appends as leader. Visible when the in-sync replicas have it. With <paramref name="requiredAcks"/> -1 there must be enough of them.
    /// <paramref name="verification"/>: see <see cref="PartitionLog.AppendAsLeader"/>.
    /// </summary>
    public AppendResult Append(Memory<byte> records, AppendOrigin origin, short requiredAcks, TransactionVerification? verification = null)
    {
        PartitionImage? role = Role;
        if (role is null || role.Leader != brokerId)
        {
            return Refused(ErrorCode.NotLeaderOrFollower, null);
        }

        if (requiredAcks == -1 && role.Isr.Length < LeastIsr(role))
        {
            return Refused(
                ErrorCode.NotEnoughReplicas,
                $"The size of the current ISR {role.Isr.Length} is insufficient to satisfy the min.isr requirement of {LeastIsr(role)} for partition {TopicPartition}");
        }

        AppendResult result = Log.AppendAsLeader(records, role.LeaderEpoch, origin, verification);
        bool isReplicated = IsReplicated;
        if (result is { Error: ErrorCode.None, IsDuplicate: false } && (isReplicated || !result.IsFlushDue))
        {
            AdvanceHighWatermark();
            // A marker sets free more than its own bytes for those who read committed records only.
            Mark(origin == AppendOrigin.Coordinator ? long.MaxValue : records.Length, isReplicated ? Audience.Followers : Audience.All);
        }

        return result;
    }

    /// <summary>What an acknowledgement has to wait for: the flush that is due, and with acks=all the in-sync replicas.</summary>
    public async Task<ErrorCode> SettleAsync(AppendResult result, int bytes, bool isReplicationAwaited, TimeSpan timeout, TimerWheel limits)
    {
        ErrorCode error = result.IsFlushDue ? await FlushAsync(result, bytes).ConfigureAwait(false) : result.Error;
        return error == ErrorCode.None && isReplicationAwaited ? await AwaitReplicationAsync(result.LastOffset + 1, timeout, limits).ConfigureAwait(false) : error;
    }

    /// <summary>
    /// For an append that says <see cref="AppendResult.IsFlushDue"/>: waits for a flush shared with others, and only then makes the records visible, where no follower has them.
    /// </summary>
    /// <returns>None, or KafkaStorageError: nobody knows then what is on the disk, and nothing may be acknowledged.</returns>
    public async Task<ErrorCode> FlushAsync(AppendResult result, int bytes)
    {
        ErrorCode error = await Log.FlushAsync().ConfigureAwait(false);
        if (error == ErrorCode.None && !IsReplicated)
        {
            Log.AdvanceHighWatermark(result.LastOffset + 1);
            Mark(bytes, Audience.All);
        }

        return error;
    }

    /// <summary>
    /// Waits until the in-sync replicas have everything below <paramref name="offset"/>. Done at once without followers.
    /// </summary>
    public async ValueTask<ErrorCode> AwaitReplicationAsync(long offset, TimeSpan timeout, TimerWheel limits)
    {
        if (Log.HighWatermark < offset)
        {
            TimedWait<ErrorCode> wait = _produces.Add(offset);

            // Either may have happened before the wait was entered.
            _produces.OnHighWatermark(Log.HighWatermark);
            if (_role?.Leader != brokerId)
            {
                return ErrorCode.NotLeaderOrFollower;
            }

            ErrorCode error = await AwaitAsync(wait, timeout, limits).ConfigureAwait(false);
            if (error != ErrorCode.None)
            {
                return error;
            }
        }

        return Role is { } role && role.Isr.Length < LeastIsr(role) ? ErrorCode.NotEnoughReplicasAfterAppend : ErrorCode.None;
    }

    /// <summary>Before this no replica that lives has records.</summary>
    public long LowWatermark(Predicate<int> isAlive) => _replicas?.LowWatermark(Log.LogStartOffset, isAlive) ?? Log.LogStartOffset;

    /// <summary>Waits until no replica that lives has records before <paramref name="offset"/>.</summary>
    public async ValueTask<ErrorCode> AwaitLowWatermarkAsync(long offset, Predicate<int> isAlive, TimeSpan timeout, TimerWheel limits)
    {
        long started = time.GetTimestamp();
        while (LowWatermark(isAlive) < offset)
        {
            TimedWait<ErrorCode> wait = _deletions.Add(offset);

            // Either may have happened before the wait was entered.
            ErrorCode error = _role?.Leader != brokerId ? ErrorCode.NotLeaderOrFollower
                : LowWatermark(isAlive) >= offset ? ErrorCode.None
                : await AwaitAsync(wait, timeout - time.GetElapsedTime(started), limits).ConfigureAwait(false);
            _deletions.Remove(wait);
            if (error != ErrorCode.None)
            {
                return error;
            }
        }

        return ErrorCode.None;
    }

    /// <summary>Whoever still waits when the broker stops is sent to the next leader.</summary>
    private static async ValueTask<ErrorCode> AwaitAsync(TimedWait<ErrorCode> wait, TimeSpan timeout, TimerWheel limits)
    {
        ErrorCode error = await limits.AwaitAsync(wait, timeout).ConfigureAwait(false);
        return error == ErrorCode.RequestTimedOut && limits.HasEnded ? ErrorCode.NotLeaderOrFollower : error;
    }

    /// <summary>A partition with fewer replicas than min.insync.replicas takes records when all of them are in sync, as with Apache Kafka 3.9.</summary>
    private int LeastIsr(PartitionImage role) => Math.Min(Log.Config.MinInsyncReplicas, role.Replicas.Length);

    /// <summary>Whether a follower's fetch is of a replica that was assigned.</summary>
    public bool HasFollower(int broker) => _replicas?.IsFollower(broker) == true;

    /// <summary>A follower asked for an offset, and the log before it is the leader's: it has everything below. True when it belongs into the ISR now.</summary>
    public bool OnFollowerFetch(int follower, FetchTarget target, long leaderEndOffset, long brokerEpoch, out bool isInSync)
    {
        isInSync = false;
        if (_replicas is not { } replicas || !replicas.IsFollower(follower))
        {
            return false;
        }

        (isInSync, bool startMoved) = replicas.OnFetch(follower, target, leaderEndOffset, brokerEpoch, NowMs);
        if (startMoved)
        {
            _deletions.End(ErrorCode.None);
        }

        AdvanceHighWatermark();
        return !isInSync && replicas.IsReadyToJoin(follower, Log.HighWatermark);
    }

    /// <summary>A follower in sync that has the offset and is <paramref name="wanted"/>; null when there is none, or this broker does not lead.</summary>
    public int? BestFollower(long offset, Predicate<int> wanted) => _replicas?.BestFollower(offset, wanted);

    /// <summary>
    /// Whether a leader that has just begun does not know yet how far its predecessors had come: what they showed may lie above the high watermark (KIP-207).
    /// </summary>
    public bool IsHighWatermarkBehind => _replicas?.EpochStartOffset > Log.HighWatermark;

    /// <summary>The ISR as it should be, when that is another one than is in force.</summary>
    public IsrProposal? ProposeIsr(long maxLagMs) =>
        _replicas?.Propose(Log.HighWatermark, Log.LogEndOffset, NowMs, maxLagMs) is { } change ? new IsrProposal(this, change.From, change.Isr, change.Epochs) : null;

    /// <summary>
    /// The controller's answer. Only one that speaks of this leader epoch says what is in force. After any other the proposal stands, though nobody asks again: it may have been
    /// carried out when an answer was lost, so that the high watermark waits for both sets until the controller tells the next role.
    /// </summary>
    public void SettleIsr(IsrProposal proposal, ErrorCode error, int leaderEpoch, int[] isr, int partitionEpoch)
    {
        if (_replicas is not { } replicas || replicas.State.LeaderEpoch != proposal.From.LeaderEpoch || leaderEpoch != proposal.From.LeaderEpoch
            || error is not (ErrorCode.None or ErrorCode.InvalidUpdateVersion or ErrorCode.IneligibleReplica))
        {
            return;
        }

        // An ineligible replica was found on the state that the proposal started from: nothing was changed.
        replicas.Settle(error == ErrorCode.IneligibleReplica ? null : isr, partitionEpoch);
        AdvanceHighWatermark();
        Mark(0, Audience.Followers);
    }

    /// <summary>What the leader said its high watermark is.</summary>
    public void OnLeaderHighWatermark(long highWatermark)
    {
        long before = Log.HighWatermark;
        Log.AdvanceHighWatermark(Math.Min(highWatermark, Log.LogEndOffset));
        if (Log.HighWatermark > before)
        {
            Mark(long.MaxValue, Audience.Consumers);
        }
    }

    /// <summary>Marks the target, through its watch, of all that happens from now on.</summary>
    public void AddTarget(FetchTarget target)
    {
        lock (_targetsLock)
        {
            _targets.Add(target);
            _targetCount = _targets.Count;
        }
    }

    public void RemoveTarget(FetchTarget target)
    {
        lock (_targetsLock)
        {
            int index = _targets.IndexOf(target);
            if (index >= 0)
            {
                _targets[index] = _targets[^1];
                _targets.RemoveAt(_targets.Count - 1);
                _targetCount = _targets.Count;
            }
        }
    }

    /// <summary>Whatever it is that changed, readers have to look again at once.</summary>
    public void MarkAll() => Mark(long.MaxValue, Audience.All);

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Without followers every record is replicated as far as it ever will be the moment it is in the log.</summary>
    private void AdvanceHighWatermark()
    {
        long end = Log.LogEndOffset;
        if (_replicas is not { } replicas)
        {
            if (_role is { } role && role.Leader == brokerId)
            {
                Log.AdvanceHighWatermark(end);
            }

            return;
        }

        long before = Log.HighWatermark;
        Log.AdvanceHighWatermark(replicas.ReplicatedUpTo(end));
        long after = Log.HighWatermark;
        _produces.OnHighWatermark(after);
        if (after > before)
        {
            Mark(long.MaxValue, Audience.HighWatermark);
        }
    }

    private AppendResult Refused(ErrorCode error, string? message) => new(error, message, null, -1, -1, -1, Log.LogStartOffset, false);

    private void OnLogStart() => Mark(0, Audience.All);

    private void EndWaits()
    {
        _produces.End(ErrorCode.NotLeaderOrFollower);
        _deletions.End(ErrorCode.NotLeaderOrFollower);
        MarkAll();
    }

    /// <summary>Followers are served up to the end of the log, consumers up to the high watermark.</summary>
    private void Mark(long bytes, Audience audience)
    {
        if (_targetCount == 0)
        {
            return;
        }

        lock (_targetsLock)
        {
            foreach (FetchTarget target in _targets)
            {
                FetchWatch watch = target.Watch;
                if (audience switch { Audience.Followers => watch.IsFollower, Audience.Consumers => !watch.IsFollower, _ => true })
                {
                    // A follower that serves nobody learns the high watermark with its next answer, whenever that comes.
                    watch.Mark(target, audience == Audience.HighWatermark && !watch.AwaitsHighWatermark ? 0 : bytes);
                }
            }
        }
    }

    private enum Audience
    {
        All,
        Followers,
        Consumers,

        /// <summary>All, but not all in a hurry.</summary>
        HighWatermark,
    }
}
