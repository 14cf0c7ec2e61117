namespace Broker.Cluster;

/// <summary>A topic that was found in log directories and that no tree knows.</summary>
/// <param name="Name">From the directories' names.</param>
/// <param name="Id">From partition.metadata; empty where it was missing, then it gets a new one.</param>
/// <param name="LeaderEpochs">Last leader epoch in each partition's log, -1 for none; one entry per partition.</param>
/// <param name="Config">Overrides it shall have.</param>
public sealed record FoundTopic(string Name, Guid Id, IReadOnlyList<int> LeaderEpochs, IReadOnlyDictionary<string, string> Config);

/// <summary>
/// Taking over log directories that another broker wrote: their topics are entered into a tree that is new. Only then: in a tree that has been in use, a directory
/// without a topic is what is left of a deletion.
/// </summary>
public sealed partial class ClusterController
{
    /// <summary>Ours: there while topics of log directories still have to be entered.</summary>
    private const string ToAdopt = "/log_dirs_to_adopt";

    // Ids may have been handed out that no log here shows.
    private const long ProducerIdMargin = 1000 * ProducerIdBlockSize;

    /// <summary>Remembers in a new tree that its log directories have to be looked through, however often the broker dies before it has. Call before the cluster id is resolved.</summary>
    public static async Task MarkNewTreeAsync(ICoordinationTree tree)
    {
        if (await tree.ExistsAsync(ZnodePaths.ClusterId).ConfigureAwait(false) is null)
        {
            await EnsurePathsAsync(tree, [ToAdopt]).ConfigureAwait(false);
        }
    }

    /// <summary>Whether the tree is new, see <see cref="MarkNewTreeAsync"/>.</summary>
    public static async Task<bool> IsNewTreeAsync(ICoordinationTree tree) => await tree.ExistsAsync(ToAdopt).ConfigureAwait(false) is not null;

    /// <summary>Enters the topics, led by this broker from the epoch after their last one, and keeps producer ids that their logs know from being given again.</summary>
    public static async Task AdoptAsync(ICoordinationTree tree, int brokerId, IEnumerable<FoundTopic> topics, long largestProducerId)
    {
        await EnsurePathsAsync(tree, ZnodePaths.Persistent).ConfigureAwait(false);
        foreach (FoundTopic topic in topics)
        {
            if (await tree.ExistsAsync(ZnodePaths.Topic(topic.Name)).ConfigureAwait(false) is null)
            {
                await AdoptAsync(tree, brokerId, topic).ConfigureAwait(false);
            }
        }

        if (largestProducerId >= 0)
        {
            long start = ((largestProducerId / ProducerIdBlockSize) * ProducerIdBlockSize) + ProducerIdMargin;
            var block = new ProducerIdBlockZnode(brokerId, start, start + ProducerIdBlockSize - 1);
            await tree.SetAsync(ZnodePaths.ProducerIdBlock, block.Encode(), TreeOperation.AnyVersion).ConfigureAwait(false);
        }

        await tree.DeleteAsync(ToAdopt, TreeOperation.AnyVersion).ConfigureAwait(false);
    }

    private static async Task AdoptAsync(ICoordinationTree tree, int brokerId, FoundTopic topic)
    {
        int[] here = [brokerId];
        var node = new TopicZnode(topic.Id == Guid.Empty ? Guid.NewGuid() : topic.Id, [.. topic.LeaderEpochs.Select(_ => here)]);
        string config = ZnodePaths.TopicConfig(topic.Name);
        byte[] overrides = ConfigZnode.Encode(topic.Config);
        var operations = new List<TreeOperation>
        {
            await tree.ExistsAsync(config).ConfigureAwait(false) is null ? TreeOperation.Create(config, overrides) : TreeOperation.Set(config, overrides),
            TreeOperation.Create(ZnodePaths.Topic(topic.Name), node.Encode()),
            TreeOperation.Create(ZnodePaths.Partitions(topic.Name), default),
        };
        for (int p = 0; p < topic.LeaderEpochs.Count; p++)
        {
            var state = new PartitionStateZnode(ControllerEpoch: 0, brokerId, Math.Max(topic.LeaderEpochs[p], 0), here);
            operations.Add(TreeOperation.Create(ZnodePaths.Partition(topic.Name, p), default));
            operations.Add(TreeOperation.Create(ZnodePaths.State(topic.Name, p), state.Encode()));
        }

        await tree.MultiAsync(operations).ConfigureAwait(false);
    }
}
