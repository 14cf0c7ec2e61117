using Microsoft.Extensions.Logging;

namespace Broker.Coordination;

/// <summary>
/// The group coordinator of this node: classic consumer groups and committed offsets, kept in __consumer_offsets. Made once, started when the node may
/// serve groups; <see cref="LoadAsync"/> and <see cref="UnloadAsync"/> follow the leadership of the topic's partitions. Thread-safe. Requests of groups that
/// are not here or not loaded yet are answered with the protocol's error codes, never with exceptions; nothing blocks the calling thread.
/// </summary>
public sealed partial class GroupCoordinator : IAsyncDisposable
{
    internal const string Topic = "__consumer_offsets";

    private readonly CoordinatorPartitions<GroupShard> _partitions;
    private readonly ICoordinatorLog _log;
    private readonly GroupCoordinatorOptions _options;
    private readonly Func<string, bool> _topicExists;
    private readonly CoordinatorClock _clock;
    private readonly DeadlineTimer _timer;
    private readonly IMemberIds _ids = new RandomMemberIds();
    private readonly ILogger _logger;
    private long _nextExpiryCheckMs;
    private volatile bool _isActive;

    /// <param name="log">The offsets topic.</param>
    /// <param name="options">Limits and times.</param>
    /// <param name="topicExists">Whether offsets can be committed for a topic; called on the caller's thread, must not block.</param>
    /// <param name="time">Every clock and timer comes from here.</param>
    /// <param name="loggers">For the log.</param>
    public GroupCoordinator(ICoordinatorLog log, GroupCoordinatorOptions options, Func<string, bool> topicExists, TimeProvider time, ILoggerFactory loggers)
    {
        _log = log;
        _options = options;
        _topicExists = topicExists;
        _clock = new CoordinatorClock(time);
        _timer = new DeadlineTimer(time, _clock, OnDue);
        _logger = loggers.CreateLogger<GroupCoordinator>();
        _partitions = new CoordinatorPartitions<GroupShard>(
            Topic,
            (number, leaderEpoch) => new CoordinatorPartition<GroupShard>(Topic, number, leaderEpoch, _log, _clock, _timer, _options.Codec, _logger),
            Read,
            _logger);
    }

    /// <summary>Serves requests from now on. Partitions may be loaded before or after.</summary>
    public void Start()
    {
        _isActive = true;
        _nextExpiryCheckMs = _clock.Now.MonotonicMs + _options.OffsetsRetentionCheckIntervalMs;
        _timer.Ensure(_nextExpiryCheckMs);
    }

    /// <summary>Refuses requests from now on, answers those that wait, and ends when the appends on their way have ended.</summary>
    public async Task StopAsync()
    {
        _isActive = false;
        await _partitions.CloseAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _timer.Dispose();
    }

    /// <summary>Partition of __consumer_offsets that keeps the group; -1 while the topic does not exist.</summary>
    public int PartitionFor(string groupId)
    {
        int count = _log.PartitionCount;
        return count == 0 ? -1 : CoordinatorKey.PartitionFor(groupId, count);
    }

    /// <summary>
    /// This node leads the partition: its groups are read from the log, on the thread pool and one partition at a time, and are served afterwards.
    /// Meanwhile their requests get COORDINATOR_LOAD_IN_PROGRESS. A call with an older leader epoch than one seen before does nothing.
    /// </summary>
    public Task LoadAsync(int partition, int leaderEpoch) => _partitions.LoadAsync(partition, leaderEpoch);

    /// <summary>This node no longer leads the partition (in <paramref name="leaderEpoch"/>): those who wait are sent to find the new coordinator.</summary>
    public Task UnloadAsync(int partition, int leaderEpoch) => _partitions.UnloadAsync(partition, leaderEpoch);

    /// <summary>Topics were deleted: what groups committed for them goes as well. Ends before the tombstones are written.</summary>
    public void OnTopicsDeleted(IEnumerable<string> topics)
    {
        var names = new HashSet<string>(topics, StringComparer.Ordinal);
        foreach (CoordinatorPartition<GroupShard> partition in _partitions.All)
        {
            partition.Step((shard, _, effects) => shard.OnTopicsDeleted(names, effects));
        }
    }

    /// <summary>The marker of a transaction was written to the partition: offsets committed in it count now, or never.</summary>
    public void OnTransactionEnded(int partition, long producerId, bool isCommit)
    {
        if (_partitions.TryGet(partition, out CoordinatorPartition<GroupShard>? owner))
        {
            owner.StepOrDefer((shard, _, _) => shard.EndTransaction(producerId, isCommit));
        }
    }

    /// <summary>The last rebalances of a group with their reasons, oldest first; empty for a group that is not here.</summary>
    public IReadOnlyList<RebalanceEntry> RecentRebalances(string groupId)
    {
        RebalanceEntry[] entries = [];
        if (TryRoute(groupId, isEmptyAllowed: true, out CoordinatorPartition<GroupShard>? partition) == ErrorCode.None)
        {
            partition!.Read(shard => entries = shard.TryFind(groupId, out Group? group) ? [.. group.Rebalances.Entries] : []);
        }
        return entries;
    }

    private GroupShard Read(CoordinatorPartition<GroupShard> loading)
    {
        var shard = new GroupShard(_options.Groups, _ids);
        new GroupLoader(_log, loading.Number, _options.OffsetsLoadBufferBytes, _clock, _logger).Load(shard, () => !loading.IsLoading);
        return shard;
    }

    /// <summary>Finds the partition of a group. An empty group id is a name like another for offsets, but no group can be joined by it.</summary>
    private ErrorCode TryRoute(string groupId, bool isEmptyAllowed, out CoordinatorPartition<GroupShard>? partition)
    {
        partition = null;
        if (groupId.Length == 0 && !isEmptyAllowed)
        {
            return ErrorCode.InvalidGroupId;
        }
        if (!_isActive)
        {
            return ErrorCode.CoordinatorNotAvailable;
        }
        int index = PartitionFor(groupId);
        if (index < 0 || !_partitions.TryGet(index, out partition))
        {
            return ErrorCode.NotCoordinator;
        }
        return partition.IsLoading ? ErrorCode.CoordinatorLoadInProgress : ErrorCode.None;
    }

    private ErrorCode TryStep(string groupId, bool isEmptyAllowed, Action<GroupShard, Moment, Effects> step)
    {
        ErrorCode error = TryRoute(groupId, isEmptyAllowed, out CoordinatorPartition<GroupShard>? partition);
        return error == ErrorCode.None ? partition!.Step(step) : error;
    }

    private void OnDue()
    {
        long nowMs = _clock.Now.MonotonicMs;
        bool isExpiryDue = _isActive && nowMs >= _nextExpiryCheckMs;
        if (isExpiryDue)
        {
            _nextExpiryCheckMs = nowMs + _options.OffsetsRetentionCheckIntervalMs;
        }
        foreach (CoordinatorPartition<GroupShard> partition in _partitions.All)
        {
            if (isExpiryDue)
            {
                partition.Step(static (shard, now, effects) => shard.ExpireOffsets(now, effects));
            }
            if (partition.NextDeadlineMs <= nowMs)
            {
                partition.Step(static (shard, now, effects) => shard.Advance(now, effects));
            }
            _timer.Ensure(partition.NextDeadlineMs);
        }
        if (_isActive)
        {
            _timer.Ensure(_nextExpiryCheckMs);
        }
    }
}
