using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// Fetch (key 1): reads record batches, waiting up to MaxWaitMs for MinBytes.
/// v0-1 get magic 0 and v2-3 magic 1 message sets (down-converted); v3 bounds the whole answer but always returns the first non-empty partition's
/// first batch; v4 isolation; v5 log start offset; v7 incremental sessions; v9 leader epochs; v10 zstd; v11 rack; v12 diverging epoch and current
/// leader; v13 topic ids; v15 replica state; v16 node endpoints. Followers (replica id 0 and above) are served on the inter-broker listener of a cluster;
/// anywhere else they see what consumers see.
/// </summary>
internal sealed class FetchHandler(BrokerServices services) : ApiHandler<FetchRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.Fetch, 0, 17);

    private readonly FetchPlanner _planner = new(services);
    private readonly PartitionReader _reader = new(services);
    private readonly FetchAnswer _answer = new(services);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, FetchRequest request)
    {
        FetchPlan plan = _planner.Plan(request, context.ApiVersion);
        if (plan.Error != ErrorCode.None)
        {
            return Ready(new FetchResponse { ErrorCode = plan.Error });
        }

        var work = new Work(context.ApiVersion, plan, request.MinBytes, ResponseBudget(request, context.ApiVersion), Reader(context, request));
        var maxWait = TimeSpan.FromMilliseconds(request.MaxWaitMs);

        // What may wait for the disk is not for a thread of the transport, which serves other connections too.
        return MayWaitForDisk(work) ? new(Task.Run(() => ReadAsync(work, maxWait).AsTask())) : ReadAsync(work, maxWait);
    }

    /// <summary>True when records are down-converted, or found in files that are not in memory.</summary>
    private bool MayWaitForDisk(Work work)
    {
        if (work.Version <= FetchDownConversion.LastVersion)
        {
            return true;
        }

        foreach (FetchTarget target in work.Plan.Targets)
        {
            if (!_reader.IsAtHand(target))
            {
                return true;
            }
        }

        return false;
    }

    private ValueTask<IMessage?> ReadAsync(Work work, TimeSpan maxWait)
    {
        PartitionRead[] reads = ReadAll(work, out long bytes, out bool answerNow);
        return answerNow || bytes >= work.MinBytes || maxWait <= TimeSpan.Zero || work.Plan.Targets.Count == 0 ? Ready(Finish(work, reads)) : WaitAsync(work, maxWait);
    }

    private FetchReader Reader(RequestContext context, FetchRequest request)
    {
        bool mayFollow = services.Cluster.IsShared && context.ListenerName == services.Config.Current.InterBrokerListenerName;
        int follower = context.ApiVersion >= 15 ? request.ReplicaState.ReplicaId : request.ReplicaId;
        return mayFollow && follower >= 0
            ? new FetchReader(ReadsCommitted: false, follower, context.ApiVersion >= 15 ? request.ReplicaState.ReplicaEpoch : -1)
            : new FetchReader(request.IsolationLevel == 1, -1, -1);
    }

    /// <summary>v0-2 had no overall limit field; the broker's own limit bounds every answer.</summary>
    private int ResponseBudget(FetchRequest request, short version)
    {
        int limit = services.Config.FetchMaxBytes;
        return version < 3 ? limit : Math.Min(Math.Max(request.MaxBytes, 0), limit);
    }

    private async ValueTask<IMessage?> WaitAsync(Work work, TimeSpan maxWait)
    {
        long started = services.Time.GetTimestamp();
        while (true)
        {
            TimeSpan left = maxWait - services.Time.GetElapsedTime(started);
            var waiter = new FetchWaiter(work.MinBytes, work.Reader.IsFollower);
            Partition[] watched = Watch(work.Plan, waiter);
            try
            {
                // Read again now that appends are counted: one may have slipped in between the last read and the registration.
                PartitionRead[] reads = ReadAll(work, out long bytes, out bool answerNow);
                if (answerNow || bytes >= work.MinBytes || left <= TimeSpan.Zero || services.Stopping.IsCancellationRequested)
                {
                    return Finish(work, reads);
                }

                waiter.OnAppended((int)Math.Min(bytes, int.MaxValue));
                await waiter.WaitAsync(left, services.Time, services.Stopping).ConfigureAwait(false);
            }
            finally
            {
                foreach (Partition partition in watched)
                {
                    partition.RemoveWaiter(waiter);
                }
            }
        }
    }

    private Partition[] Watch(FetchPlan plan, FetchWaiter waiter)
    {
        var watched = new List<Partition>(plan.Targets.Count);
        foreach (FetchTarget target in plan.Targets)
        {
            if (target.Topic is not null && services.Replicas.TryGet(new TopicPartition(target.Topic, target.Partition), out Partition? partition))
            {
                partition.AddWaiter(waiter);
                watched.Add(partition);
            }
        }

        return [.. watched];
    }

    /// <summary>Reads the partitions in order until the budget is spent. An error or a diverging epoch is news that must not wait.</summary>
    private PartitionRead[] ReadAll(Work work, out long bytes, out bool answerNow)
    {
        bytes = 0;
        answerNow = false;
        int left = work.Budget;
        bool minOneBatch = true;
        var reads = new PartitionRead[work.Plan.Targets.Count];
        int i = 0;
        foreach (FetchTarget target in work.Plan.Targets)
        {
            PartitionRead read = _reader.Read(target, work.Reader, Math.Min(Math.Max(target.MaxBytes, 0), left), minOneBatch);
            reads[i++] = read;
            int length = read.Records.Length;
            if (length > 0)
            {
                minOneBatch = false;
                left = Math.Max(0, left - length);
                bytes += length;
            }

            answerNow |= read.Error != ErrorCode.None || read.DivergingEpoch is not null;
        }

        return reads;
    }

    private FetchResponse Finish(Work work, PartitionRead[] reads)
    {
        try
        {
            return _answer.Build(work.Version, work.Plan, reads);
        }
        finally
        {
            if (work.Plan.Session is { } session)
            {
                Volatile.Write(ref session.Busy, 0);
            }
        }
    }

    private readonly record struct Work(short Version, FetchPlan Plan, int MinBytes, int Budget, FetchReader Reader);
}
