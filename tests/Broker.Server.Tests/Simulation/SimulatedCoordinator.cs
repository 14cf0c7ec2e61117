using Broker.Coordination;
using Broker.Protocol;
using Broker.Protocol.Records;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Server.Tests;

/// <summary>
/// The coordinator that a replica is from when it leads until it does not, in however many epochs: a shard over the replica's own log. Appends leave one after the other; what follows one happens when
/// the simulation says that it was acknowledged, or that nobody can say.
/// </summary>
internal abstract class SimulatedCoordinator(SimulatedReplica replica, int leaderEpoch, TimeProvider time, Func<SimulatedReplica, SimulatedBatch, long?> append) : ICoordinatorLog
{
    private readonly Queue<PendingAppend> _appends = new();
    private long? _awaited;
    private long _loadedEnd;

    public int LeaderEpoch => leaderEpoch;

    public bool IsLoaded { get; private set; }

    /// <summary>Markers that were told to be written. They leave when what was loaded is replicated.</summary>
    public List<MarkerWork> Markers { get; } = [];

    public bool MayWriteMarkers =>
        Broken == BrokenRule.MarkersBeforeTheDecisionIsReplicated
        || (replica.Leads && replica.Log.HighWatermark >= _loadedEnd && (Broken != BrokenRule.DecidesInItsFirstEpochOnly || replica.Partition!.LeaderEpoch == leaderEpoch));

    public BrokenRule Broken { get; init; }

    int ICoordinatorLog.PartitionCount => 1;

    protected abstract ICoordinatorShard Shard { get; }

    protected CoordinatorClock Clock { get; } = new(time);

    public bool IsLeader(int partition) => replica.Leads;

    // What the runtime asks for the state machines; here the simulation does it.
    ValueTask<ErrorCode> ICoordinatorLog.AppendAsync(int partition, Memory<byte> recordBatch, object? verification) => throw new NotSupportedException();

    ValueTask<bool> ICoordinatorLog.IsCommittedAsync(int partition, long offset) => throw new NotSupportedException();

    public long StartOffset(int partition) => 0;

    public long EndOffset(int partition) => Broken == BrokenRule.CoordinatorLoadsToHighWatermark ? replica.Log.HighWatermark : replica.Log.LogEndOffset;

    public int Read(int partition, long offset, Memory<byte> buffer) => replica.ReadBytes(offset, buffer.Span);

    /// <summary>Reads the log, which may be long after it began to lead.</summary>
    public void Load()
    {
        _loadedEnd = replica.Log.LogEndOffset;
        ReadLog();
        IsLoaded = true;
        Step(Shard.OnLoaded);
    }

    public void Advance() => Step(Shard.Advance);

    /// <summary>The records before <paramref name="offset"/> are acknowledged.</summary>
    public void OnAcknowledged(long offset)
    {
        if (_awaited is { } awaited && awaited <= offset)
        {
            End(ErrorCode.None);
        }
    }

    /// <summary>The append on its way takes too long: its records may stay, or not.</summary>
    public void TimeOut()
    {
        if (_awaited is not null)
        {
            End(Broken == BrokenRule.TimedOutCountsAsRefused ? ErrorCode.NotEnoughReplicas : ErrorCode.RequestTimedOut);
        }
    }

    protected abstract void ReadLog();

    protected void Step(Action<Moment, Effects> step)
    {
        var effects = new Effects();
        step(Clock.Now, effects);
        Collect(effects);
    }

    private void Collect(Effects effects)
    {
        effects.Appends.ForEach(_appends.Enqueue);
        Markers.AddRange(effects.Markers);
        if (_awaited is null)
        {
            AppendNext();
        }
    }

    private void AppendNext()
    {
        if (!_appends.TryPeek(out PendingAppend next))
        {
            return;
        }

        var batch = new RecordBatchBuilder(new RecordBatchOptions());
        var values = new List<string>();
        foreach (CoordinatorRecord record in next.Records)
        {
            byte[] value = record.EncodeValue() ?? [];
            batch.Append(Clock.Now.UnixMs, record.EncodeKey(), value);
            values.Add(System.Text.Encoding.UTF8.GetString(value));
        }

        _awaited = append(replica, new SimulatedBatch(batch.Build(), values));
        if (_awaited is null || Broken == BrokenRule.CoordinatorAnswersAtOnce)
        {
            End(_awaited is null ? ErrorCode.NotLeaderOrFollower : ErrorCode.None);
        }
    }

    private void End(ErrorCode error)
    {
        _awaited = null;
        PendingAppend ended = _appends.Dequeue();
        Step((now, effects) => ended.Continue(error, now, effects));
    }

    protected static NullLogger Logger => NullLogger.Instance;
}

/// <summary>Records of one append, and what they look like to who reads the log.</summary>
internal sealed record SimulatedBatch(byte[] Bytes, IReadOnlyList<string> Values);
