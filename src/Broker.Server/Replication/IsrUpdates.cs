using Broker.Protocol;
using Broker.Protocol.Messages;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// Keeps the ISRs of the partitions led here right: looks for followers that lag, hears of those that have caught up, and asks the controller, in one request at a time
/// for all partitions. A proposal stays until the controller has answered it, since it may have been carried out.
/// </summary>
internal sealed class IsrUpdates : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly ReplicaManager _replicas;
    private readonly ControllerLink _controller;
    private readonly Func<long> _brokerEpoch;
    private readonly Func<long> _maxLagMs;
    private readonly TimeProvider _time;
    private readonly ILogger<IsrUpdates> _logger;
    private readonly SemaphoreSlim _due = new(0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Partition> _ready = [];
    private Task _worker = Task.CompletedTask;

    public IsrUpdates(ReplicaManager replicas, ControllerLink controller, Func<long> brokerEpoch, Func<long> maxLagMs, TimeProvider time, ILogger<IsrUpdates> logger)
    {
        _replicas = replicas;
        _controller = controller;
        _brokerEpoch = brokerEpoch;
        _maxLagMs = maxLagMs;
        _time = time;
        _logger = logger;
    }

    public void Start() => _worker = Task.Run(WorkAsync);

    /// <summary>A follower of this partition has caught up. Called by fetches.</summary>
    public void OnReady(Partition partition)
    {
        lock (_lock)
        {
            if (!_ready.Add(partition) || _ready.Count > 1)
            {
                return;
            }
        }

        _due.Release();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _worker.ConfigureAwait(false);
        _stopping.Dispose();
        _due.Dispose();
    }

    private async Task WorkAsync()
    {
        CancellationToken stop = _stopping.Token;
        var open = new List<IsrProposal>();
        long lastLook = _time.GetTimestamp();
        try
        {
            while (true)
            {
                // Half the lag, as Kafka does: a follower leaves after once to one and a half times the limit.
                var untilLook = TimeSpan.FromMilliseconds(_maxLagMs() / 2.0) - _time.GetElapsedTime(lastLook);
                if (open.Count == 0 && untilLook > TimeSpan.Zero)
                {
                    await _due.WaitAsync(untilLook, stop).ConfigureAwait(false);
                }

                bool looksAtAll = _time.GetElapsedTime(lastLook) >= TimeSpan.FromMilliseconds(_maxLagMs() / 2.0);
                lastLook = looksAtAll ? _time.GetTimestamp() : lastLook;
                Gather(looksAtAll ? _replicas.Partitions : TakeReady(), open);
                if (open.Count > 0 && !await TryAskAsync(open, stop).ConfigureAwait(false))
                {
                    await Task.Delay(Pause, _time, stop).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The broker stops.
        }
    }

    /// <summary>A defect in one answer must not end the keeping of all ISRs.</summary>
    private async Task<bool> TryAskAsync(List<IsrProposal> open, CancellationToken stop)
    {
        try
        {
            return await AskAsync(open, stop).ConfigureAwait(false);
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            InterBrokerLog.Defect(_logger, "Changing ISRs", e);
            return false;
        }
    }

    private Partition[] TakeReady()
    {
        lock (_lock)
        {
            Partition[] ready = [.. _ready];
            _ready.Clear();
            return ready;
        }
    }

    private void Gather(IEnumerable<Partition> partitions, List<IsrProposal> open)
    {
        foreach (Partition partition in partitions)
        {
            if (partition.ProposeIsr(_maxLagMs()) is { } proposal)
            {
                open.Add(proposal);
            }
        }
    }

    /// <summary>False when the controller did not decide: the proposals stay.</summary>
    private async Task<bool> AskAsync(List<IsrProposal> open, CancellationToken stop)
    {
        // Leadership may have ended, and with it the question.
        open.RemoveAll(p => p.Partition.LeaderEpoch != p.From.LeaderEpoch);
        if (open.Count == 0)
        {
            return true;
        }

        AlterPartitionResponse? answer = await _controller.AlterPartitionAsync(Request(open), stop).ConfigureAwait(false);
        if (answer is not { ErrorCode: ErrorCode.None })
        {
            return false;
        }

        foreach (AlterPartitionResponse.TopicData topic in answer.Topics)
        {
            foreach (AlterPartitionResponse.PartitionData data in topic.Partitions)
            {
                Guid id = topic.TopicId;
                int index = open.FindIndex(p => p.Partition.Log.TopicId == id && p.Partition.TopicPartition.Partition == data.PartitionIndex);
                if (index >= 0 && data.ErrorCode != ErrorCode.NotController)
                {
                    Settle(open[index], data);
                    open.RemoveAt(index);
                }
            }
        }

        return open.Count == 0;
    }

    private AlterPartitionRequest Request(List<IsrProposal> open) => new()
    {
        BrokerId = _replicas.BrokerId,
        BrokerEpoch = _brokerEpoch(),
        Topics = open.GroupBy(p => p.Partition.Log.TopicId).Select(topic => new AlterPartitionRequest.TopicData
        {
            TopicId = topic.Key,
            Partitions = topic.Select(p => new AlterPartitionRequest.PartitionData
            {
                PartitionIndex = p.Partition.TopicPartition.Partition,
                LeaderEpoch = p.From.LeaderEpoch,
                PartitionEpoch = p.From.PartitionEpoch,
                NewIsrWithEpochs = p.Isr.Select((broker, i) => new AlterPartitionRequest.BrokerState { BrokerId = broker, BrokerEpoch = p.BrokerEpochs[i] }).ToArray(),
            }).ToArray(),
        }).ToArray(),
    };

    private void Settle(IsrProposal proposal, in AlterPartitionResponse.PartitionData data)
    {
        TopicPartition partition = proposal.Partition.TopicPartition;
        string before = string.Join(", ", proposal.From.Isr);
        string wanted = string.Join(", ", proposal.Isr);
        proposal.Partition.SettleIsr(proposal, data.ErrorCode, data.LeaderEpoch, data.Isr.ToArray(), data.PartitionEpoch);
        if (data.ErrorCode == ErrorCode.None)
        {
            InterBrokerLog.IsrChanged(_logger, partition, before, wanted);
        }
        else if (data.ErrorCode != ErrorCode.IneligibleReplica)
        {
            // A replica that stops is refused with every fetch until it is gone: nobody need read that.
            InterBrokerLog.IsrRefused(_logger, partition, before, wanted, data.ErrorCode);
        }
    }
}
