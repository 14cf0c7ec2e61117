using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// Fetch (key 1): reads record batches, waiting up to MaxWaitMs for MinBytes.
/// v0-1 get magic 0 and v2-3 magic 1 message sets (down-converted); v3 bounds the whole answer but always returns the first non-empty partition's
/// first batch; v4 isolation; v5 log start offset; v7 incremental sessions; v9 leader epochs; v10 zstd; v11 rack; v12 diverging epoch and current
/// leader; v13 topic ids; v15 replica state; v16 node endpoints. Followers (replica id 0 and above) are refused: a single broker has none.
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

        var work = new Work(context.ApiVersion, plan, request.MinBytes, ResponseBudget(request, context.ApiVersion), request.IsolationLevel == 1);
        PartitionRead[] reads = ReadAll(work, out long bytes, out bool answerNow);
        if (answerNow || bytes >= request.MinBytes || request.MaxWaitMs <= 0 || plan.Targets.Count == 0)
        {
            return FinishAsync(work, reads);
        }

        return WaitAsync(work, TimeSpan.FromMilliseconds(request.MaxWaitMs));
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
            var waiter = new FetchWaiter(work.MinBytes);
            Partition[] watched = Watch(work.Plan, waiter);
            try
            {
                // Read again now that appends are counted: one may have slipped in between the last read and the registration.
                PartitionRead[] reads = ReadAll(work, out long bytes, out bool answerNow);
                if (answerNow || bytes >= work.MinBytes || left <= TimeSpan.Zero || services.Stopping.IsCancellationRequested)
                {
                    return await FinishAsync(work, reads).ConfigureAwait(false);
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
            PartitionRead read = _reader.Read(target, work.ReadCommitted, Math.Min(Math.Max(target.MaxBytes, 0), left), minOneBatch);
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

    /// <summary>Down-conversion reads from the disk and decompresses: that is not for a thread of the transport.</summary>
    private ValueTask<IMessage?> FinishAsync(Work work, PartitionRead[] reads) =>
        work.Version <= FetchDownConversion.LastVersion ? new(Task.Run<IMessage?>(() => Finish(work, reads))) : Ready(Finish(work, reads));

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

    private readonly record struct Work(short Version, FetchPlan Plan, int MinBytes, int Budget, bool ReadCommitted);
}
