using Broker.Protocol;

namespace Broker.Coordination.Tests.Transactions;

/// <summary>Drives a shard of transactions by hand: virtual time, a log of records, appends and markers that end when the test says so.</summary>
internal sealed class TransactionDriver
{
    private readonly Queue<PendingAppend> _appends = new();
    private readonly Effects _effects = new();
    private long _nextId = 100;

    public TransactionShard Shard { get; private set; } = new(7, new TransactionSettings());

    public List<TransactionRecord> Log { get; } = [];

    public List<MarkerWork> Markers { get; } = [];

    public bool HoldAppends { get; set; }

    public Moment Now { get; private set; } = new(1_000, 1_700_000_000_000);

    public int HeldAppends => _appends.Count;

    /// <summary>Sees each marker before anybody else does.</summary>
    public Action<MarkerWork>? OnMarker { get; set; }

    /// <summary>A mistake on purpose: markers of a decision are seen before it is in the log.</summary>
    public bool MarkersLeaveEarly { get; init; }

    public Call<ProducerResult> Init(string id, long producerId = -1, short epoch = -1, int timeoutMs = 60_000) =>
        Ask((call, fx) => Shard.InitProducer(id, timeoutMs, producerId, epoch, _nextId++, call, Now, fx));

    public Call<ProducerResult> Add(string id, long producerId, short epoch, TopicPartition partition, short version = 0, bool verifyOnly = false) =>
        Ask((call, fx) => Shard.AddPartitions(id, producerId, epoch, [partition], verifyOnly, version, call, Now, fx));

    public Call<ProducerResult> End(string id, long producerId, short epoch, bool isCommit, short version = 0) =>
        Ask((call, fx) => Shard.End(id, producerId, epoch, isCommit, version, _nextId++, call, Now, fx));

    public void Written(MarkerWork work) => Step(fx => Shard.MarkersWritten(work.TransactionalId, work.Attempt, work.Partitions, Now, fx));

    public void WriteAllMarkers()
    {
        foreach (MarkerWork work in Markers.ToArray())
        {
            Written(work);
        }
        Markers.Clear();
    }

    public void Wait(long ms)
    {
        Now = new Moment(Now.MonotonicMs + ms, Now.UnixMs + ms);
        Step(fx => Shard.Advance(Now, fx));
    }

    public bool CompleteAppend(ErrorCode error = ErrorCode.None)
    {
        if (!_appends.TryDequeue(out PendingAppend append))
        {
            return false;
        }
        if (error == ErrorCode.None)
        {
            Log.AddRange(append.Records.Cast<TransactionRecord>());
        }
        append.Continue(error, Now, _effects);
        Collect();
        return true;
    }

    /// <summary>The process dies; appends on their way are lost. Another coordinator loads what the log has, through its bytes.</summary>
    public void Crash()
    {
        _appends.Clear();
        Markers.Clear();
        Shard = new TransactionShard(8, new TransactionSettings());
        foreach (TransactionRecord record in Log)
        {
            Shard.Apply(TransactionRecordCodec.Decode(record.EncodeKey(), (record with { ValueVersion = 1 }).EncodeValue() is { } bytes ? bytes.AsMemory() : null)!);
        }
        Step(fx => Shard.OnLoaded(Now, fx));
    }

    private Call<ProducerResult> Ask(Action<Call<ProducerResult>, Effects> ask)
    {
        var call = new Call<ProducerResult>();
        Step(fx => ask(call, fx));
        return call;
    }

    private void Step(Action<Effects> step)
    {
        step(_effects);
        Collect();
    }

    private void Collect()
    {
        foreach (PendingAppend append in _effects.Appends)
        {
            _appends.Enqueue(append);
            if (MarkersLeaveEarly && append.Records[0] is TransactionRecord { Value: { IsPrepared: true } next } decision)
            {
                OnMarker?.Invoke(new MarkerWork(decision.TransactionalId, next.ProducerId, next.Epoch, 7, next.State == TransactionState.PrepareCommit, [.. next.Partitions], 0));
            }
        }
        Markers.AddRange(_effects.Markers);
        MarkerWork[] markers = [.. _effects.Markers];
        _effects.Clear();
        foreach (MarkerWork work in markers)
        {
            OnMarker?.Invoke(work);
        }
        while (!HoldAppends && CompleteAppend())
        {
        }
    }
}
