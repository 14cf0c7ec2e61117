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

        FetchReader reader = Reader(context, request);
        plan.Watch.IsFollower = reader.IsFollower;
        plan.Watch.AwaitsHighWatermark = !reader.IsFollower || services.ReplicaSelection is not null;
        var work = new Work(context.ApiVersion, plan, request.MinBytes, ResponseBudget(request, context.ApiVersion), TimeSpan.FromMilliseconds(request.MaxWaitMs), reader);
        TimedWait<bool> enough = plan.Watch.Expect(request.MinBytes);
        IReadOnlyList<FetchTarget> due = Due(plan);

        // What may wait for the disk is not for a thread of the transport, which serves other connections too.
        return MayWaitForDisk(work, due) ? new(Task.Run(() => ReadAsync(work, due, enough).AsTask())) : ReadAsync(work, due, enough);
    }

    /// <summary>An incremental request looks at what happened to its partitions, a full one at all that it names.</summary>
    private static IReadOnlyList<FetchTarget> Due(FetchPlan plan)
    {
        List<FetchTarget> due = plan.Watch.Take();
        return plan.IsIncremental ? due : plan.Targets;
    }

    /// <summary>True when records are down-converted, or found in files that are not in memory.</summary>
    private bool MayWaitForDisk(Work work, IReadOnlyList<FetchTarget> due)
    {
        if (work.Version <= FetchDownConversion.LastVersion)
        {
            return true;
        }

        foreach (FetchTarget target in due)
        {
            if (!_reader.IsAtHand(target))
            {
                return true;
            }
        }

        return false;
    }

    private ValueTask<IMessage?> ReadAsync(Work work, IReadOnlyList<FetchTarget> due, TimedWait<bool> enough)
    {
        // Partitions mark the targets of sessions always, those of a single request only if it has to wait.
        bool follows = work.Plan.Session is not null;
        Round round = Read(work, due, follows);
        return round.AnswersNow || round.Bytes >= work.MinBytes || work.MaxWait <= TimeSpan.Zero || work.Plan.IsEmpty
            ? Ready(Finish(work, round))
            : WaitAsync(work, round, follows ? enough : null);
    }

    private FetchReader Reader(RequestContext context, FetchRequest request)
    {
        bool mayFollow = services.Cluster.IsShared && context.ListenerName == services.Config.Current.InterBrokerListenerName;
        int follower = context.ApiVersion >= 15 ? request.ReplicaState.ReplicaId : request.ReplicaId;
        return mayFollow && follower >= 0
            ? new FetchReader(ReadsCommitted: false, follower, context.ApiVersion >= 15 ? request.ReplicaState.ReplicaEpoch : -1)
            : new FetchReader(request.IsolationLevel == 1, -1, -1) { KnowsFollowers = context.ApiVersion >= 11, Rack = request.RackId, Listener = context.ListenerName };
    }

    /// <summary>v0-2 had no overall limit field; the broker's own limit bounds every answer.</summary>
    private int ResponseBudget(FetchRequest request, short version)
    {
        int limit = services.Config.FetchMaxBytes;
        return version < 3 ? limit : Math.Min(Math.Max(request.MaxBytes, 0), limit);
    }

    /// <param name="work">The request.</param>
    /// <param name="round">What was read at first.</param>
    /// <param name="enough">Completes when enough was marked since; null when nothing is marked yet.</param>
    private async ValueTask<IMessage?> WaitAsync(Work work, Round round, TimedWait<bool>? enough)
    {
        long started = services.Time.GetTimestamp();
        try
        {
            while (true)
            {
                TimeSpan left = work.MaxWait - services.Time.GetElapsedTime(started);
                if (enough is not null)
                {
                    work.Plan.Watch.Found(round.Bytes);
                    await services.Replicas.Limits.AwaitAsync(enough, left).ConfigureAwait(false);
                }

                // Before reading: what is marked after the read must not be missed.
                enough = work.Plan.Watch.Expect(work.MinBytes);
                left = work.MaxWait - services.Time.GetElapsedTime(started);
                round = Read(work, Due(work.Plan), follows: true);
                if (round.AnswersNow || round.Bytes >= work.MinBytes || left <= TimeSpan.Zero || services.Replicas.Limits.HasEnded)
                {
                    return Finish(work, round);
                }
            }
        }
        finally
        {
            if (work.Plan.Session is null)
            {
                work.Plan.Watch.Close(work.Plan.Targets);
            }
        }
    }

    /// <summary>Reads partitions in order until the budget is spent. What there is more to say of stays due.</summary>
    private Round Read(Work work, IReadOnlyList<FetchTarget> due, bool follows)
    {
        try
        {
            return ReadDue(work, due, follows);
        }
        catch
        {
            // It ends the connection; the session is not held by it.
            work.Plan.Session?.Release();
            throw;
        }
    }

    private Round ReadDue(Work work, IReadOnlyList<FetchTarget> due, bool follows)
    {
        var reads = new List<TargetRead>(due.Count);
        List<FetchTarget> unread = [], served = [];
        long bytes = 0;
        bool answersNow = false;
        foreach (FetchTarget target in due)
        {
            int left = (int)Math.Max(0, work.Budget - bytes);
            PartitionRead read = _reader.Read(target, work.Reader, Math.Min(Math.Max(target.MaxBytes, 0), left), minOneBatch: bytes == 0, follows);
            reads.Add(new TargetRead(target, read));
            bytes += read.Records.Length;
            answersNow |= read.IsUrgent || (work.AnswersHighWatermarks && target.HasNewHighWatermark(read));
            if (follows && (!read.IsAtRest || target.IsNews(read)))
            {
                (read.Records.Length > 0 ? served : unread).Add(target);
            }
        }

        if (follows)
        {
            work.Plan.Watch.PutBack(unread, served);
        }

        return new Round(reads, bytes, answersNow);
    }

    private FetchResponse Finish(Work work, Round round)
    {
        if (work.Reader.IsFollower && services.Cluster.Throttles is { } throttles)
        {
            Count(throttles, round.Reads);
        }

        try
        {
            return _answer.Build(work.Version, work.Plan, round.Reads);
        }
        finally
        {
            work.Plan.Session?.Release();
        }
    }

    private void Count(ReplicationThrottles throttles, List<TargetRead> reads)
    {
        foreach ((FetchTarget target, PartitionRead read) in reads)
        {
            int bytes = read.Records.Length;
            if (bytes > 0 && services.Replicas.TryGet(new TopicPartition(target.Topic!, target.Partition), out Partition? partition))
            {
                throttles.OnSent(partition, bytes);
            }
        }
    }

    private readonly record struct Work(short Version, FetchPlan Plan, int MinBytes, int Budget, TimeSpan MaxWait, FetchReader Reader)
    {
        /// <summary>A follower that serves consumers is told of a new high watermark at once; without a session it would be told the same again and again.</summary>
        public bool AnswersHighWatermarks => Reader.IsFollower && Plan.Watch.AwaitsHighWatermark && Plan.IsIncremental;
    }

    private readonly record struct Round(List<TargetRead> Reads, long Bytes, bool AnswersNow);
}
