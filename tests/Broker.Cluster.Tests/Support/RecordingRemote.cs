using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Cluster.Tests;

/// <summary>Other brokers that remember what they were sent, one line each, and answer deletions when told to.</summary>
internal sealed class RecordingRemote : IRemoteBrokers
{
    private readonly List<Action> _answers = [];

    public List<string> Calls { get; } = [];

    public void SetLive(IReadOnlyList<BrokerImage> brokers) => Calls.Add($"live {string.Join(' ', brokers.Select(b => b.Id))}".TrimEnd());

    public void Send(int broker, ApiKey api, IMessage request, Action<IMessage>? answered = null)
    {
        Calls.Add($"{broker} {api} {Text(request)}".TrimEnd());
        if (answered is not null)
        {
            IMessage answer = request is LeaderAndIsrRequest roles ? Answer(broker, roles) : new StopReplicaResponse();
            _answers.Add(() => answered(answer));
        }
    }

    public void AnswerAll()
    {
        Action[] answers = [.. _answers];
        _answers.Clear();
        foreach (Action answer in answers)
        {
            answer();
        }
    }

    /// <summary>Replicas that a broker says it cannot serve.</summary>
    public HashSet<(int Broker, string Topic, int Partition)> Offline { get; } = [];

    private LeaderAndIsrResponse Answer(int broker, LeaderAndIsrRequest roles) => new()
    {
        Topics = roles.TopicStates.ToArray().Select(topic => new LeaderAndIsrResponse.LeaderAndIsrTopicError
        {
            TopicId = topic.TopicId,
            PartitionErrors = topic.PartitionStates.ToArray().Select(p => new LeaderAndIsrResponse.LeaderAndIsrPartitionError
            {
                PartitionIndex = p.PartitionIndex,
                ErrorCode = Offline.Contains((broker, topic.TopicName, p.PartitionIndex)) ? ErrorCode.KafkaStorageError : ErrorCode.None,
            }).ToArray(),
        }).ToArray(),
    };

    public List<string> TakeCalls()
    {
        List<string> calls = [.. Calls];
        Calls.Clear();
        return calls;
    }

    private static string Marked(char mark, int[] brokers) => string.Concat(brokers.Select(b => $"{mark}{b}"));

    private static string Text(IMessage request) => request switch
    {
        LeaderAndIsrRequest roles => string.Join(' ', roles.TopicStates.ToArray().SelectMany(t => t.PartitionStates.ToArray().Select(p => $"{t.TopicName}-{p.PartitionIndex}:{p.Leader}@{p.LeaderEpoch}[{string.Join(',', p.Isr.ToArray())}]{Marked('+', p.AddingReplicas.ToArray())}{Marked('-', p.RemovingReplicas.ToArray())}"))),
        UpdateMetadataRequest picture => string.Join(' ', picture.TopicStates.ToArray().SelectMany(t => t.PartitionStates.ToArray().Select(p => $"{t.TopicName}-{p.PartitionIndex}:{p.Leader}[{string.Join(',', p.Isr.ToArray())}]"))),
        StopReplicaRequest stop => string.Join(' ', stop.TopicStates.ToArray().SelectMany(t => t.PartitionStates.ToArray().Select(p => $"{t.TopicName}-{p.PartitionIndex}{(p.DeletePartition ? " delete" : "")}"))),
        _ => "",
    };
}
