using Broker.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Cluster.Tests;

/// <summary>Tree, controller and host of one broker on one directory, started and stopped at will.</summary>
internal sealed class SingleBroker : IAsyncDisposable
{
    public const int Id = 7;

    public static readonly Dictionary<string, EndpointImage> Endpoints = new() { ["PLAINTEXT"] = new("host", 9092, "PLAINTEXT") };

    private SingleBroker(EmbeddedTree tree, FakeTimeProvider time)
    {
        Tree = tree;
        Time = time;
        Store = new MetadataStore(time);
        Host = new RecordingHost(Store);
        Controller = new ClusterController(tree, Store, Host, Policy, time, NullLogger<ClusterController>.Instance);
    }

    public static ControllerPolicy Policy { get; } = new()
    {
        DefaultPartitions = () => 3,
        DefaultReplicationFactor = () => 1,
        ValidateTopicConfig = configs => configs.ContainsKey("bad.key") ? "Unknown topic config name: bad.key" : null,
    };

    public EmbeddedTree Tree { get; }

    public FakeTimeProvider Time { get; }

    public MetadataStore Store { get; }

    public RecordingHost Host { get; }

    public ClusterController Controller { get; }

    public MetadataImage Image => Store.Current;

    public static async Task<SingleBroker> StartAsync(TemporaryDirectory directory, string? clusterId = null, FakeTimeProvider? time = null, Action<TreeFileStep>? beforeStep = null)
    {
        time ??= new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(50));
        var broker = new SingleBroker(directory.Open(time, beforeStep: beforeStep), time);
        await ClusterController.ResolveClusterIdAsync(broker.Tree, clusterId);
        await broker.Controller.StartAsync(new BrokerRegistration(Id, "r1", Endpoints));
        return broker;
    }

    public static NewTopic Topic(string name, int? partitions = null, short? factor = null, Dictionary<int, int[]>? assignment = null, Dictionary<string, string>? configs = null) =>
        new(name, partitions, factor, assignment, configs ?? []);

    public async Task<CreateTopicResult> CreateAsync(NewTopic topic, bool validateOnly = false) =>
        Assert.Single(await Controller.CreateTopicsAsync([topic], validateOnly));

    public async Task<DeleteTopicResult> DeleteAsync(string topic) => Assert.Single(await Controller.DeleteTopicsAsync([topic]));

    public async Task<CreatePartitionsResult> GrowAsync(string topic, int count, params int[][]? assignments) =>
        Assert.Single(await Controller.CreatePartitionsAsync([new NewPartitions(topic, count, assignments is [] ? null : assignments)], validateOnly: false));

    public async Task<string> TextAsync(string path) => Trees.Text((await Tree.GetAsync(path)).Data);

    public async ValueTask DisposeAsync()
    {
        await Controller.DisposeAsync();
        await Tree.DisposeAsync();
    }
}
