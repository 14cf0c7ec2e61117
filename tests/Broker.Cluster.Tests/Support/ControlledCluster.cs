using Broker.Protocol;
using Broker.Protocol.Messages;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Cluster.Tests;

/// <summary>A controller, broker 7, with brokers 8 and 9 as nodes in the tree and a record of what they are sent. A second controller can take over.</summary>
internal sealed class ControlledCluster : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UnixEpoch.AddYears(50));

    public EmbeddedTree Tree { get; private set; } = null!;

    public required ControllerPolicy Policy { get; init; }

    public RecordingRemote Remote { get; private set; } = null!;

    public RecordingHost Host { get; private set; } = null!;

    public FakeWatch Watch { get; private set; } = null!;

    public ClusterController Controller { get; private set; } = null!;

    public MetadataStore Store { get; private set; } = null!;

    /// <param name="policy">Instead of <see cref="SingleBroker.Policy"/>.</param>
    /// <param name="office">Another broker that is the controller already, in epoch 1; null for none.</param>
    public static async Task<ControlledCluster> StartAsync(ControllerPolicy? policy = null, int? office = null)
    {
        var cluster = new ControlledCluster { Policy = policy ?? SingleBroker.Policy };
        cluster.Tree = cluster._directory.Open(cluster.Time);
        await ClusterController.ResolveClusterIdAsync(cluster.Tree, null);
        foreach (string path in (string[])["/brokers", "/brokers/ids"])
        {
            await cluster.Tree.CreateAsync(path, default);
        }

        await cluster.AddBrokerAsync(8);
        await cluster.AddBrokerAsync(9);
        if (office is { } holder)
        {
            await cluster.GiveOfficeAsync(holder, 1);
        }

        await cluster.StartControllerAsync();
        return cluster;
    }

    /// <summary>The controller is gone, whatever it was at, and another one begins on what the tree has.</summary>
    public async Task FailOverAsync()
    {
        await Controller.DisposeAsync();
        await Tree.DeleteAsync($"/brokers/ids/{SingleBroker.Id}");
        await Tree.DeleteAsync("/controller");
        await StartControllerAsync();
    }

    public async Task AddBrokerAsync(int id)
    {
        var endpoints = new Dictionary<string, EndpointImage> { ["PLAINTEXT"] = new($"host{id}", 9092, "PLAINTEXT") };
        await Tree.CreateAsync($"/brokers/ids/{id}", BrokerZnode.Encode(endpoints, null, 0));
    }

    /// <summary>Another broker has the office from now on.</summary>
    public async Task GiveOfficeAsync(int id, int epoch)
    {
        if (await Tree.ExistsAsync("/controller_epoch") is null)
        {
            await Tree.CreateAsync("/controller_epoch", default);
        }

        TreeOperation[] before = await Tree.ExistsAsync("/controller") is null ? [] : [TreeOperation.Delete("/controller")];
        await Tree.MultiAsync([.. before, TreeOperation.Create("/controller", ControllerZnode.Encode(id, 0)), TreeOperation.Set("/controller_epoch", ControllerEpochZnode.Encode(epoch))]);
        if (Controller is not null)
        {
            await SettleAsync();
        }
    }

    public Task RemoveBrokerAsync(int id) => Tree.DeleteAsync($"/brokers/ids/{id}").AsTask();

    public async Task CreateAsync(string topic, params int[][] replicas)
    {
        var assignment = replicas.Select((r, p) => (r, p)).ToDictionary(x => x.p, x => x.r);
        CreateTopicResult created = Assert.Single(await Controller.CreateTopicsAsync([SingleBroker.Topic(topic, assignment: assignment)], validateOnly: false));
        Assert.Equal(ErrorCode.None, created.Error);
    }

    public PartitionImage Partition(string topic, int partition) => Store.Current.Topic(topic)!.Partitions[partition];

    public async Task<(ErrorCode Error, string? Message)> ReassignAsync(string topic, int partition, int[]? target)
    {
        PartitionReassignmentResult result = Assert.Single(await Controller.AlterReassignmentsAsync([new(new TopicPartition(topic, partition), target)]));
        return (result.Error, result.Message);
    }

    /// <summary>The leader says who is in sync.</summary>
    public async Task InSyncAsync(string topic, int partition, params int[] isr)
    {
        Assert.Equal(ErrorCode.None, await AskIsrAsync(topic, partition, isr));
        await SettleAsync();
    }

    public async Task<ErrorCode> AskIsrAsync(string topic, int partition, params int[] isr)
    {
        PartitionImage now = Partition(topic, partition);
        return await AlterAsync(topic, partition, now.Leader, isr, now.PartitionEpoch, now.LeaderEpoch);
    }

    /// <summary>A broker says who is in sync, as the leader that it may be.</summary>
    public async Task<ErrorCode> AlterAsync(string topic, int partition, int leader, int[] isr, int epoch, int leaderEpoch = 0, long memberEpoch = -1)
    {
        AlterPartitionResponse answer = await Controller.AlterPartitionAsync(new AlterPartitionRequest
        {
            BrokerId = leader,
            BrokerEpoch = -1,
            Topics =
            [
                new()
                {
                    TopicId = Store.Current.Topic(topic)!.Id,
                    Partitions =
                    [
                        new()
                        {
                            PartitionIndex = partition,
                            LeaderEpoch = leaderEpoch,
                            PartitionEpoch = epoch,
                            NewIsrWithEpochs = isr.Select(b => new AlterPartitionRequest.BrokerState { BrokerId = b, BrokerEpoch = memberEpoch }).ToArray(),
                        },
                    ],
                },
            ],
        });
        return answer.ErrorCode != ErrorCode.None ? answer.ErrorCode : answer.Topics.ToArray()[0].Partitions.ToArray()[0].ErrorCode;
    }

    /// <summary>Connections to a broker are refused, or accepted, from now on.</summary>
    public Task RefuseAsync(int broker, bool refuses = true)
    {
        Watch.Set(broker, refuses);
        return SettleAsync();
    }

    public async Task<string> OngoingAsync(params TopicPartition[] partitions) => string.Join("; ", (await Controller.ListReassignmentsAsync(partitions.Length == 0 ? null : partitions))
        .OrderBy(o => o.Partition).Select(o => $"{o.Partition} [{string.Join(',', o.Replicas)}] +[{string.Join(',', o.Adding)}] -[{string.Join(',', o.Removing)}]"));

    /// <summary>Replicas, leader and ISR in short.</summary>
    public string State(string topic, int partition)
    {
        PartitionImage p = Partition(topic, partition);
        return $"[{string.Join(',', p.Replicas)}] {p.Leader} ({string.Join(',', p.Isr)})";
    }

    public async Task<string> NodeAsync(string path) => Trees.Text((await Tree.GetAsync(path)).Data);

    /// <summary>Until what the watches queued is done: whatever it queues itself comes before a second question.</summary>
    public async Task SettleAsync()
    {
        for (int i = 0; i < 8; i++)
        {
            await Controller.AlterPartitionAsync(new AlterPartitionRequest { BrokerId = -1 });
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Controller.DisposeAsync();
        await Tree.DisposeAsync();
        _directory.Dispose();
    }

    private async Task StartControllerAsync()
    {
        (Store, Remote, Watch) = (new MetadataStore(TimeProvider.System), new RecordingRemote(), new FakeWatch());
        Host = new RecordingHost(Store);
        var links = new ClusterLinks
        {
            Remote = Remote,
            Watch = Watch,
            OpenTree = _ => throw new InvalidOperationException("no session expires here"),
            InterBrokerListener = "PLAINTEXT",
            Balance = new BalancePolicy(TimeSpan.FromMinutes(5), 10),
            RegistrationPatience = TimeSpan.FromSeconds(1),
        };
        Controller = new ClusterController(Tree, Store, Host, Policy, Time, NullLogger<ClusterController>.Instance, links);
        await Controller.StartAsync(new BrokerRegistration(SingleBroker.Id, null, SingleBroker.Endpoints));
    }
}
