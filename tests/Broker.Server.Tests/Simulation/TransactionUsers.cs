using Broker.Coordination;
using Broker.Protocol;

namespace Broker.Server.Tests;

/// <summary>
/// Producers with transactional ids that begin, add a partition of their own and end, over and over; each step may be lost, and then a new producer takes the id. Whatever
/// coordinators say or do: no two producers get the same epoch, and all markers of a transaction say the same, which is what its producer was told.
/// </summary>
internal sealed class TransactionUsers(Random random) : SimulatedUsers(random)
{
    private const int Ids = 3;

    private readonly Producer[] _producers = [.. Enumerable.Range(0, Ids).Select(i => new Producer($"p{i}"))];
    private readonly HashSet<(string Id, long ProducerId, short Epoch)> _given = [];
    private readonly Dictionary<string, (long ProducerId, short Epoch, int LeaderEpoch)> _newest = [];
    private readonly Dictionary<TopicPartition, bool> _marked = [];
    private readonly Dictionary<TopicPartition, bool> _told = [];
    private long _lastFreshId = 1000;
    private int _transactions;

    public override SimulatedCoordinator Begin(SimulatedReplica replica, int leaderEpoch, TimeProvider time, Func<SimulatedReplica, SimulatedBatch, long?> append, BrokenRule broken) =>
        new Coordinator(replica, leaderEpoch, time, append) { Broken = broken };

    public override string? TakeAnswers()
    {
        foreach (Producer producer in _producers)
        {
            if (producer.Call?.Result is { } answer && Take(producer, answer) is { } wrong)
            {
                return wrong;
            }
        }

        return null;
    }

    protected override void Ask(SimulatedCoordinator coordinator)
    {
        var asked = (Coordinator)coordinator;
        if (asked.Markers.Count > 0 && asked.MayWriteMarkers && Random.Next(2) == 0)
        {
            MarkerWork work = asked.Markers[0];
            asked.Markers.RemoveAt(0);

            // Written, and heard of by the coordinator, or lost on the way.
            asked.OnMarkers(work, Random.Next(3) > 0 ? work.Partitions : []);
            return;
        }

        Producer producer = _producers[Random.Next(Ids)];
        if (producer.Call is not null)
        {
            // A client whose answer does not come: another takes over.
            producer.Call = Random.Next(4) == 0 ? null : producer.Call;
            producer.Step = producer.Call is null ? Step.Begin : producer.Step;
            return;
        }

        producer.Call = new Call<ProducerResult>();
        producer.LeaderEpoch = coordinator.LeaderEpoch;
        switch (producer.Step)
        {
            case Step.Begin:
                asked.Begin(producer.Id, ++_lastFreshId, producer.Call);
                break;
            case Step.Add:
                producer.Partition = new TopicPartition("t", ++_transactions);
                asked.Add(producer, producer.Call);
                break;
            default:
                producer.Commits = Random.Next(2) == 0;
                asked.End(producer, producer.Call);
                break;
        }
    }

    public override string? Look(SimulatedCoordinator coordinator)
    {
        foreach (MarkerWork work in coordinator.MayWriteMarkers ? coordinator.Markers : [])
        {
            foreach (TopicPartition partition in work.Partitions)
            {
                bool decided = _marked.TryAdd(partition, work.IsCommit) ? work.IsCommit : _marked[partition];
                if (decided != work.IsCommit || (_told.TryGetValue(partition, out bool told) && told != work.IsCommit))
                {
                    return $"transaction {partition.Partition} of {work.TransactionalId} is to be {(work.IsCommit ? "committed" : "aborted")} by the coordinator of epoch {coordinator.LeaderEpoch}, and was the other before";
                }
            }
        }

        return null;
    }

    protected override string? LookAtLoaded(SimulatedCoordinator coordinator)
    {
        foreach ((string id, (long producerId, short epoch, int leaderEpoch)) in _newest)
        {
            if (leaderEpoch < coordinator.LeaderEpoch && ((Coordinator)coordinator).Find(id) is var found && (found is null || found.ProducerId != producerId || found.Epoch < epoch))
            {
                return $"the coordinator of epoch {coordinator.LeaderEpoch} begins with {found?.ProducerId} epoch {found?.Epoch} of {id}, which was given {producerId} epoch {epoch} in epoch {leaderEpoch}";
            }
        }

        return null;
    }

    private string? Take(Producer producer, ProducerResult answer)
    {
        producer.Call = null;
        if (answer.Error != ErrorCode.None)
        {
            // Where Kafka's clients would try again a new one may as well come: the step itself may have been carried out.
            producer.Step = producer.Step == Step.End && Random.Next(2) == 0 ? Step.End : Step.Begin;
            return null;
        }

        switch (producer.Step)
        {
            case Step.Begin:
                (producer.ProducerId, producer.Epoch, producer.Step) = (answer.ProducerId, answer.Epoch, Step.Add);
                _newest[producer.Id] = (answer.ProducerId, answer.Epoch, producer.LeaderEpoch);
                return _given.Add((producer.Id, answer.ProducerId, answer.Epoch)) ? null : $"two producers of {producer.Id} were given id {answer.ProducerId} with epoch {answer.Epoch}";
            case Step.Add:
                producer.Step = Step.End;
                return null;
            default:
                producer.Step = Step.Add;
                Told++;
                _told[producer.Partition] = producer.Commits;
                return _marked.TryGetValue(producer.Partition, out bool marked) && marked != producer.Commits
                    ? $"{producer.Id} was told that transaction {producer.Partition.Partition} was {(producer.Commits ? "committed" : "aborted")}, and its markers say the other"
                    : null;
        }
    }

    private enum Step
    {
        Begin,
        Add,
        End,
    }

    private sealed class Producer(string id)
    {
        public string Id => id;

        public Step Step { get; set; }

        public Call<ProducerResult>? Call { get; set; }

        public long ProducerId { get; set; }

        public short Epoch { get; set; }

        /// <summary>Of the coordinator that was asked.</summary>
        public int LeaderEpoch { get; set; }

        public TopicPartition Partition { get; set; }

        public bool Commits { get; set; }
    }

    private sealed class Coordinator(SimulatedReplica replica, int leaderEpoch, TimeProvider time, Func<SimulatedReplica, SimulatedBatch, long?> append)
        : SimulatedCoordinator(replica, leaderEpoch, time, append)
    {
        private const int TimeoutMs = 20_000;

        private readonly TransactionShard _shard = new(leaderEpoch, new TransactionSettings());

        protected override ICoordinatorShard Shard => _shard;

        public TransactionSnapshot? Find(string id) => _shard.Find(id);

        public void Begin(string id, long freshId, Call<ProducerResult> call) =>
            Step((now, effects) => _shard.InitProducer(id, TimeoutMs, -1, -1, freshId, call, now, effects));

        public void Add(Producer producer, Call<ProducerResult> call) =>
            Step((now, effects) => _shard.AddPartitions(producer.Id, producer.ProducerId, producer.Epoch, [producer.Partition], verifyOnly: false, 0, call, now, effects));

        public void End(Producer producer, Call<ProducerResult> call) =>
            Step((now, effects) => _shard.End(producer.Id, producer.ProducerId, producer.Epoch, producer.Commits, 0, -1, call, now, effects));

        public void OnMarkers(MarkerWork work, IReadOnlyCollection<TopicPartition> done) =>
            Step((now, effects) => _shard.MarkersWritten(work.TransactionalId, work.Attempt, done, now, effects));

        protected override void ReadLog() => new TransactionLoader(this, 0, 512, Clock, Logger).Load(_shard, static () => false);
    }
}
