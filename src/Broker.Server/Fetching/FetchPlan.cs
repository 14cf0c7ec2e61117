using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// What one Fetch request asks for after its session was looked up: the partitions in order, and whether the answer is a full or an incremental one.
/// </summary>
internal sealed class FetchPlan
{
    /// <summary>All that a full request names, in its order. An incremental one looks at what its session's watch says.</summary>
    public required IReadOnlyList<FetchTarget> Targets { get; init; }

    public required FetchWatch Watch { get; init; }

    public FetchSession? Session { get; init; }

    /// <summary>Id to answer with: 0 when the client gets no session.</summary>
    public int SessionId => Session?.Id ?? 0;

    /// <summary>True when partitions without news are left out of the answer.</summary>
    public bool IsIncremental { get; init; }

    public ErrorCode Error { get; init; }

    /// <summary>Nothing to wait for.</summary>
    public bool IsEmpty => Session is null ? Targets.Count == 0 : Session.Count == 0;

    public static FetchPlan Failed(ErrorCode error) => new() { Targets = [], Watch = new FetchWatch(0), Error = error };
}

/// <summary>Turns Fetch requests into plans, following the session rules of KIP-227 and the topic ids of KIP-516.</summary>
internal sealed class FetchPlanner(BrokerServices services)
{
    private const int InitialEpoch = 0;
    private const int FinalEpoch = -1;
    private const int FirstVersionWithTopicIds = 13;

    public FetchPlan Plan(FetchRequest request, short version)
    {
        bool usesIds = version >= FirstVersionWithTopicIds;
        if (request.SessionEpoch is InitialEpoch or FinalEpoch)
        {
            if (request.SessionId != 0)
            {
                services.FetchSessions.Remove(request.SessionId);
            }

            return PlanFull(request, usesIds, wantsSession: request.SessionEpoch == InitialEpoch);
        }

        if (request.SessionId == 0)
        {
            return FetchPlan.Failed(ErrorCode.InvalidFetchSessionEpoch);
        }

        ErrorCode error = services.FetchSessions.TryContinue(request.SessionId, request.SessionEpoch, usesIds, out FetchSession? session);
        if (error != ErrorCode.None)
        {
            return FetchPlan.Failed(error);
        }

        if (Interlocked.Exchange(ref session!.Busy, 1) != 0)
        {
            return FetchPlan.Failed(ErrorCode.InvalidFetchSessionEpoch);
        }

        Apply(session, request, usesIds);
        return new FetchPlan { Targets = [], Watch = session.Watch, Session = session, IsIncremental = true };
    }

    private FetchPlan PlanFull(FetchRequest request, bool usesIds, bool wantsSession)
    {
        // A closing request (epoch -1) names no partitions; a full one with none would make an empty session.
        FetchSession? session = wantsSession && request.Topics.Count > 0 ? services.FetchSessions.TryCreate(usesIds) : null;
        if (session is not null)
        {
            session.Busy = 1;
            Apply(session, request, usesIds);

            // In the request's order, once each.
            return new FetchPlan { Targets = session.Watch.Take(), Watch = session.Watch, Session = session };
        }

        var watch = new FetchWatch(services.Time.GetUtcNow().ToUnixTimeMilliseconds());
        var targets = new List<FetchTarget>();
        foreach (FetchRequest.FetchTopic topic in request.Topics)
        {
            (string? name, Guid id) = Resolve(topic.Topic, topic.TopicId, usesIds);
            foreach (FetchRequest.FetchPartition partition in topic.Partitions)
            {
                var target = new FetchTarget(name, id, partition.Partition, watch);
                Update(target, partition);
                targets.Add(target);
            }
        }

        return new FetchPlan { Targets = targets, Watch = watch };
    }

    private void Apply(FetchSession session, FetchRequest request, bool usesIds)
    {
        foreach (FetchRequest.ForgottenTopic topic in request.ForgottenTopicsData)
        {
            foreach (int partition in topic.Partitions)
            {
                session.Forget(topic.Topic, topic.TopicId, partition);
            }
        }

        foreach (FetchRequest.FetchTopic topic in request.Topics)
        {
            (string? name, Guid id) = Resolve(topic.Topic, topic.TopicId, usesIds);
            foreach (FetchRequest.FetchPartition partition in topic.Partitions)
            {
                Update(session.GetOrAdd(name, id, partition.Partition), partition);
            }
        }
    }

    private (string? Name, Guid Id) Resolve(string name, Guid id, bool usesIds) =>
        usesIds ? (services.Metadata.Current.Topic(id)?.Name, id) : (name, Guid.Empty);

    private static void Update(FetchTarget target, in FetchRequest.FetchPartition partition)
    {
        target.FetchOffset = partition.FetchOffset;
        target.MaxBytes = partition.PartitionMaxBytes;
        target.CurrentLeaderEpoch = partition.CurrentLeaderEpoch;
        target.LastFetchedEpoch = partition.LastFetchedEpoch;
        target.LogStartOffset = partition.LogStartOffset;
    }
}
