using System.Diagnostics.CodeAnalysis;
using Broker.Protocol.Records;
using Microsoft.Extensions.Logging;

namespace Broker.Coordination;

/// <summary>
/// The transaction coordinator of this node, over __transaction_state: <see cref="LoadAsync"/> and <see cref="UnloadAsync"/> follow the leadership of its
/// partitions. Thread-safe; nothing blocks the calling thread, and markers are written on the thread pool. Only once <see cref="Start"/> was called: before,
/// the metadata that tells a deleted topic from one that is not there yet is not complete.
/// </summary>
public sealed partial class TransactionCoordinator : IAsyncDisposable
{
    internal const string Topic = "__transaction_state";

    private readonly CoordinatorPartitions<TransactionShard> _partitions;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ICoordinatorLog _log;
    private readonly ITransactionMarkers _markers;
    private readonly TransactionSettings _settings;
    private readonly int _loadBufferBytes;
    private readonly CoordinatorClock _clock;
    private readonly DeadlineTimer _timer;
    private readonly ILogger _logger;

    public TransactionCoordinator(
        ICoordinatorLog log, ITransactionMarkers markers, TransactionSettings settings, int loadBufferBytes, TimeProvider time, ILoggerFactory loggers)
    {
        _log = log;
        _markers = markers;
        _settings = settings;
        _loadBufferBytes = loadBufferBytes;
        _clock = new CoordinatorClock(time);
        _timer = new DeadlineTimer(time, _clock, OnDue);
        _logger = loggers.CreateLogger<TransactionCoordinator>();
        _partitions = new CoordinatorPartitions<TransactionShard>(Topic, Make, Read, _logger);
    }

    /// <summary>Serves requests and writes markers from now on. Partitions may be loaded before or after.</summary>
    public void Start() => _started.TrySetResult();

    /// <summary>This node leads the partition: its transactions are read on the thread pool, and those that were decided go on.</summary>
    public Task LoadAsync(int partition, int leaderEpoch) => _partitions.LoadAsync(partition, leaderEpoch);

    /// <summary>This node no longer leads the partition (in <paramref name="leaderEpoch"/>).</summary>
    public Task UnloadAsync(int partition, int leaderEpoch) => _partitions.UnloadAsync(partition, leaderEpoch);

    /// <summary>Runs one input of the state machine and waits for its answer.</summary>
    internal async ValueTask<ProducerResult> AskAsync(string transactionalId, Action<TransactionShard, Call<ProducerResult>, Moment, Effects> ask)
    {
        if (!_started.Task.IsCompletedSuccessfully)
        {
            return new ProducerResult(ErrorCode.CoordinatorNotAvailable);
        }
        if (!TryRoute(transactionalId, out CoordinatorPartition<TransactionShard>? partition))
        {
            return new ProducerResult(ErrorCode.NotCoordinator);
        }
        var call = new Call<ProducerResult>();
        ValueTask<ProducerResult> answer = default;
        ErrorCode refused = partition.Step((shard, now, effects) =>
        {
            ask(shard, call, now, effects);
            answer = call.WaitAsync();
        });
        return refused == ErrorCode.None ? await answer.ConfigureAwait(false) : new ProducerResult(refused);
    }

    public async ValueTask DisposeAsync()
    {
        _started.TrySetCanceled();
        await _partitions.CloseAsync().ConfigureAwait(false);
        _timer.Dispose();
    }

    private bool TryRoute(string transactionalId, [NotNullWhen(true)] out CoordinatorPartition<TransactionShard>? partition)
    {
        partition = null;
        int count = _log.PartitionCount;
        return count > 0 && _partitions.TryGet(CoordinatorKey.PartitionFor(transactionalId, count), out partition);
    }

    private CoordinatorPartition<TransactionShard> Make(int number, int leaderEpoch)
    {
        CoordinatorPartition<TransactionShard>? made = null;
        made = new(Topic, number, leaderEpoch, _log, _clock, _timer, CompressionCodec.None, _logger, work => _ = Task.Run(() => WriteMarkersAsync(made!, work)));
        return made;
    }

    private TransactionShard Read(CoordinatorPartition<TransactionShard> loading)
    {
        var shard = new TransactionShard(loading.LeaderEpoch, _settings);

        // Nobody appends before it has been loaded.
        loading.LoadedEndOffset = _log.EndOffset(loading.Number);
        new TransactionLoader(_log, loading.Number, _loadBufferBytes, _clock, _logger).Load(shard, () => !loading.IsLoading);
        return shard;
    }

    /// <summary>
    /// Not before the decision is committed. One that this coordinator wrote is; one that it has read may still get lost with this node, and the next coordinator, which never
    /// saw it, would decide anew.
    /// </summary>
    private async Task WriteMarkersAsync(CoordinatorPartition<TransactionShard> owner, MarkerWork work)
    {
        IReadOnlyCollection<TopicPartition> done = [];
        try
        {
            await _started.Task.ConfigureAwait(false);

            // Open still after it was found to lead: it has led without a break since it was loaded.
            if (await _log.IsCommittedAsync(owner.Number, owner.LoadedEndOffset).ConfigureAwait(false) && !owner.IsClosed)
            {
                done = await _markers.WriteAsync(work).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped before it started; whoever loads the partition next goes on.
            return;
        }
        catch (Exception e)
        {
            // An error of ours; the transaction stays decided and its markers are tried again.
            CoordinationLog.MarkersThrew(_logger, e);
        }

        owner.Step((shard, now, effects) => shard.MarkersWritten(work.TransactionalId, work.Attempt, done, now, effects));
    }

    private void OnDue()
    {
        long nowMs = _clock.Now.MonotonicMs;
        foreach (CoordinatorPartition<TransactionShard> partition in _partitions.All)
        {
            if (partition.NextDeadlineMs <= nowMs)
            {
                partition.Step(static (shard, now, effects) => shard.Advance(now, effects));
            }
            _timer.Ensure(partition.NextDeadlineMs);
        }
    }
}
