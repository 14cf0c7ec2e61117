using Broker.Protocol.Records;
using Microsoft.Extensions.Logging;

namespace Broker.Coordination;

/// <summary>
/// One partition of a coordinator's topic that this node leads, from the moment it does until it no longer does: the shard, its lock, and the appends on
/// their way. Steps run under the lock and never block; appends leave one after the other from the thread pool, those that have gathered meanwhile in one
/// batch; answers and log lines go out after the lock is released. Thread-safe.
/// </summary>
internal sealed class CoordinatorPartition<TShard>
    where TShard : class, ICoordinatorShard
{
    /// <summary>
    /// Appends that gathered while another was on its way share a batch up to this size: it amortises the log's cost per batch, and stays far below any
    /// sensible max.message.bytes.
    /// </summary>
    private const int MaxSharedBatchBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly string _topic;
    private readonly ICoordinatorLog _log;
    private readonly CoordinatorClock _clock;
    private readonly DeadlineTimer _timer;
    private readonly CompressionCodec _codec;
    private readonly ILogger _logger;
    private readonly Action<MarkerWork>? _sendMarkers;
    private readonly Effects _effects = new();
    private readonly Queue<PendingAppend> _appends = new();
    private readonly List<Action<TShard, Moment, Effects>> _deferred = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TShard? _shard;
    private bool _isClosed;
    private bool _isAppending;

    public CoordinatorPartition(
        string topic,
        int number,
        int leaderEpoch,
        ICoordinatorLog log,
        CoordinatorClock clock,
        DeadlineTimer timer,
        CompressionCodec codec,
        ILogger logger,
        Action<MarkerWork>? sendMarkers = null)
    {
        _topic = topic;
        Number = number;
        LeaderEpoch = leaderEpoch;
        _log = log;
        _clock = clock;
        _timer = timer;
        _codec = codec;
        _logger = logger;
        _sendMarkers = sendMarkers;
    }

    public int Number { get; }

    public int LeaderEpoch { get; }

    /// <summary>Behind the last record that loading has read: some of it may not have been committed by then.</summary>
    public long LoadedEndOffset { get; set; }

    /// <summary>This node has ceased to lead the partition, if it leads again since or not.</summary>
    public bool IsClosed => Volatile.Read(ref _isClosed);

    public bool IsLoading => !_isClosed && _shard is null;

    public long NextDeadlineMs { get; private set; } = Moment.Never;

    /// <summary>Loading is over: requests are served from now on.</summary>
    public void Activate(TShard shard)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }
            _shard = shard;
        }
        Step(static (shard, now, effects) => shard.OnLoaded(now, effects));
        foreach (Action<TShard, Moment, Effects> step in _deferred)
        {
            Step(step);
        }
        _deferred.Clear();
    }

    /// <summary>
    /// Runs one step of the state machine. Anything but None means that it was not run: the shard is being loaded, or is no longer here.
    /// </summary>
    public ErrorCode Step(Action<TShard, Moment, Effects> step)
    {
        Outgoing outgoing;
        lock (_gate)
        {
            ErrorCode error = Refusal();
            if (error != ErrorCode.None)
            {
                return error;
            }
            try
            {
                step(_shard!, _clock.Now, _effects);
            }
            finally
            {
                // Even a step that failed, by an error of ours, has answered some: they are not left waiting.
                outgoing = Collect();
            }
        }
        Publish(outgoing);
        return ErrorCode.None;
    }

    /// <summary>
    /// Like <see cref="Step"/>, but while the shard is being loaded the step waits for the end of that: what happened to the log meanwhile is not missed,
    /// whether loading has read it or not. The step must therefore be harmless when it comes a second time.
    /// </summary>
    public void StepOrDefer(Action<TShard, Moment, Effects> step)
    {
        lock (_gate)
        {
            if (IsLoading)
            {
                _deferred.Add(step);
                return;
            }
        }
        Step(step);
    }

    /// <summary>An input that has no effects but may move a deadline: heartbeats, the most frequent request. Allocates nothing.</summary>
    public ErrorCode Touch<TInput>(TInput input, Func<TShard, TInput, Moment, ErrorCode> touch)
    {
        long deadlineMs;
        ErrorCode error;
        lock (_gate)
        {
            error = Refusal();
            if (error != ErrorCode.None)
            {
                return error;
            }
            error = touch(_shard!, input, _clock.Now);
            deadlineMs = NextDeadlineMs = _shard!.NextDeadlineMs;
        }
        _timer.Ensure(deadlineMs);
        return error;
    }

    /// <summary>Looks at the shard under the lock.</summary>
    public ErrorCode Read(Action<TShard> read)
    {
        lock (_gate)
        {
            ErrorCode error = Refusal();
            if (error == ErrorCode.None)
            {
                read(_shard!);
            }
            return error;
        }
    }

    /// <summary>Answers everybody who waits, and ends when the appends on their way have ended too.</summary>
    public Task CloseAsync(ErrorCode error)
    {
        Outgoing outgoing = default;
        lock (_gate)
        {
            if (!_isClosed)
            {
                _isClosed = true;
                _shard?.Abandon(error, _effects);
                outgoing = Collect();
            }
            if (!_isAppending)
            {
                _drained.TrySetResult();
            }
        }
        Publish(outgoing);
        return _drained.Task;
    }

    private ErrorCode Refusal() => _isClosed ? ErrorCode.NotCoordinator : _shard is null ? ErrorCode.CoordinatorLoadInProgress : ErrorCode.None;

    /// <summary>Under the lock: takes the effects of the step over.</summary>
    private Outgoing Collect()
    {
        foreach (PendingAppend append in _effects.Appends)
        {
            _appends.Enqueue(append);
        }
        if (_appends.Count > 0 && !_isAppending)
        {
            _isAppending = true;
            _ = Task.Run(AppendAllAsync);
        }
        NextDeadlineMs = _shard is null || _isClosed ? Moment.Never : _shard.NextDeadlineMs;
        var outgoing = new Outgoing(
            _effects.Answered.Count == 0 ? [] : [.. _effects.Answered],
            _effects.Notes.Count == 0 ? [] : [.. _effects.Notes],
            _effects.TransactionNotes.Count == 0 ? [] : [.. _effects.TransactionNotes],
            _effects.Markers.Count == 0 ? [] : [.. _effects.Markers],
            NextDeadlineMs);
        _effects.Clear();
        return outgoing;
    }

    /// <summary>After the lock.</summary>
    private void Publish(Outgoing outgoing)
    {
        foreach (Call call in outgoing.Answered ?? [])
        {
            call.Release();
        }
        foreach (GroupNote note in outgoing.Notes ?? [])
        {
            CoordinationLog.Write(_logger, note);
        }
        foreach (TransactionNote note in outgoing.TransactionNotes ?? [])
        {
            CoordinationLog.Write(_logger, note);
        }
        foreach (MarkerWork work in outgoing.Markers ?? [])
        {
            _sendMarkers?.Invoke(work);
        }
        if (outgoing.Answered is not null)
        {
            _timer.Ensure(outgoing.DeadlineMs);
        }
    }

    private async Task AppendAllAsync()
    {
        while (TakeAppends() is { } appends)
        {
            ErrorCode error = await AppendAsync(appends).ConfigureAwait(false);
            if (error is ErrorCode.MessageTooLarge or ErrorCode.RecordListTooLarge && appends.Count > 1)
            {
                // Together they are too large; each for itself may not be.
                foreach (PendingAppend append in appends)
                {
                    Continue([append], await AppendAsync([append]).ConfigureAwait(false));
                }
                continue;
            }
            Continue(appends, error);
        }
    }

    private List<PendingAppend>? TakeAppends()
    {
        lock (_gate)
        {
            if (_appends.Count == 0)
            {
                _isAppending = false;
                if (_isClosed)
                {
                    _drained.TrySetResult();
                }
                return null;
            }
            List<PendingAppend> taken = [];
            long bytes = 0;
            while (_appends.TryPeek(out PendingAppend next))
            {
                // A batch belongs to one producer.
                if (taken.Count > 0 && (next.Producer is not null || taken[0].Producer is not null))
                {
                    break;
                }
                bytes += next.EstimatedBytes;
                if (taken.Count > 0 && bytes > MaxSharedBatchBytes)
                {
                    break;
                }
                taken.Add(_appends.Dequeue());
            }
            return taken;
        }
    }

    private async ValueTask<ErrorCode> AppendAsync(List<PendingAppend> appends)
    {
        if (IsClosed)
        {
            return ErrorCode.NotLeaderOrFollower;
        }
        try
        {
            TransactionalProducer? producer = appends[0].Producer;
            var batch = new RecordBatchBuilder(new RecordBatchOptions
            {
                Codec = _codec,
                ProducerId = producer?.ProducerId ?? -1,
                ProducerEpoch = producer?.Epoch ?? -1,
                IsTransactional = producer is not null,
            });
            long nowMs = _clock.Now.UnixMs;
            foreach (PendingAppend append in appends)
            {
                foreach (CoordinatorRecord record in append.Records)
                {
                    batch.Append(nowMs, record.EncodeKey(), record.EncodeValue());
                }
            }
            return await _log.AppendAsync(Number, batch.Build(), producer?.Verification).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The log promises not to throw; whatever this is, the members must be answered.
            CoordinationLog.AppendThrew(_logger, _topic, Number, e);
            return ErrorCode.UnknownServerError;
        }
    }

    private void Continue(List<PendingAppend> appends, ErrorCode error)
    {
        Outgoing outgoing;
        lock (_gate)
        {
            foreach (PendingAppend append in appends)
            {
                try
                {
                    append.Continue(error, _clock.Now, _effects);
                }
                catch (Exception e)
                {
                    // An error of ours; the other appends of the batch must not suffer from it.
                    CoordinationLog.StepThrew(_logger, _topic, Number, e);
                }
            }
            outgoing = Collect();
        }
        Publish(outgoing);
    }

    private readonly record struct Outgoing(Call[]? Answered, GroupNote[]? Notes, TransactionNote[]? TransactionNotes, MarkerWork[]? Markers, long DeadlineMs);
}
