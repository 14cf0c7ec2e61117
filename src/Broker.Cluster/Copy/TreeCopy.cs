namespace Broker.Cluster;

/// <summary>
/// Copies what a stopped cluster keeps in its coordination tree to another store. Everything is checked before anything is written. An interrupted copy is
/// finished by a second one; until then the target has no cluster id, so that no broker takes the half for the whole.
/// Not copied: nodes of sessions, and notifications, whose numbers mean nothing elsewhere.
/// </summary>
public sealed class TreeCopy(ICoordinationTree source, ICoordinationTree target)
{
    // ZooKeeper takes requests up to 1 MiB by default.
    private const int BatchBytes = 256 * 1024;
    private const int BatchOperations = 200;
    private const int ConflictsToName = 20;

    private static readonly HashSet<string> Notifications = new(StringComparer.Ordinal)
    {
        ZnodePaths.ConfigChanges, "/isr_change_notification", "/log_dir_event_notification", "/kafka-acl-changes", "/kafka-acl-extended-changes", "/delegation_token/token_changes",
    };

    /// <exception cref="InvalidDataException">The trees cannot be copied; the message says why, and nothing was written.</exception>
    /// <exception cref="CoordinationException">A store failed in between; a second copy goes on.</exception>
    public async Task<TreeCopyResult> RunAsync()
    {
        SortedDictionary<string, TreeNode> from = await ReadAsync(source, "source").ConfigureAwait(false);
        SortedDictionary<string, TreeNode> to = await ReadAsync(target, "target").ConfigureAwait(false);
        if (!from.ContainsKey(ZnodePaths.ClusterId))
        {
            throw new InvalidDataException($"The source has no {ZnodePaths.ClusterId}: it is not the tree of a broker, or it is the target of a copy that was not finished");
        }

        ThrowIfOther(from, to);
        int written = await WriteAsync(from, to).ConfigureAwait(false);
        written += await RaiseSequenceAsync(from).ConfigureAwait(false);
        written += await WriteIdAsync(from[ZnodePaths.ClusterId], to).ConfigureAwait(false);
        await VerifyAsync(from).ConfigureAwait(false);
        return new TreeCopyResult(from.Count, written, from.TryGetValue(ZnodePaths.Feature, out TreeNode? features) ? FeatureZnode.Decode(features.Data) : new Dictionary<string, short>());
    }

    private static void ThrowIfOther(SortedDictionary<string, TreeNode> from, SortedDictionary<string, TreeNode> to)
    {
        List<string> conflicts = [];
        foreach ((string path, TreeNode node) in to)
        {
            // Empty nodes of the skeleton are made at every start.
            bool isSkeleton = node.Data.Length == 0 && Array.Exists(ZnodePaths.Persistent, p => p == path || p.StartsWith(path + "/", StringComparison.Ordinal));
            if (from.TryGetValue(path, out TreeNode? same))
            {
                if (node.Data.Length > 0 && !node.Data.AsSpan().SequenceEqual(same.Data))
                {
                    conflicts.Add($"{path} (other content)");
                }
            }
            else if (!isSkeleton)
            {
                conflicts.Add($"{path} (not in the source)");
            }
        }

        if (conflicts.Count > 0)
        {
            string more = conflicts.Count > ConflictsToName ? $" and {conflicts.Count - ConflictsToName} more" : "";
            throw new InvalidDataException(
                $"The target holds other data, nothing was written: {string.Join(", ", conflicts.Take(ConflictsToName))}{more}. Copy to an empty directory or chroot, or remove these nodes if nobody needs them");
        }
    }

    /// <summary>Every node that is to be copied, parents before children.</summary>
    private static async Task<SortedDictionary<string, TreeNode>> ReadAsync(ICoordinationTree tree, string which)
    {
        await tree.SyncAsync().ConfigureAwait(false);
        IReadOnlyList<string> brokers = await tree.ExistsAsync(ZnodePaths.BrokerIds).ConfigureAwait(false) is null ? [] : await tree.ChildrenAsync(ZnodePaths.BrokerIds).ConfigureAwait(false);
        if (brokers.Count > 0)
        {
            throw new InvalidDataException($"Brokers run on the {which}: {string.Join(", ", brokers)}. Stop them, or wait for their sessions to expire if they were killed, and copy again");
        }

        var nodes = new SortedDictionary<string, TreeNode>(StringComparer.Ordinal);
        var waiting = new Stack<string>(["/"]);
        while (waiting.TryPop(out string? path))
        {
            TreeNode node = await tree.GetAsync(path).ConfigureAwait(false);
            if (node.Stat.EphemeralOwner != 0)
            {
                continue;
            }

            if (path != "/")
            {
                nodes[path] = node;
            }

            if (node.Stat.NumChildren > 0 && !Notifications.Contains(path))
            {
                foreach (string child in await tree.ChildrenAsync(path).ConfigureAwait(false))
                {
                    string full = path == "/" ? $"/{child}" : $"{path}/{child}";
                    // ZooKeeper's own, at the root of a server.
                    if (full != "/zookeeper")
                    {
                        waiting.Push(full);
                    }
                }
            }
        }

        return nodes;
    }

    private async Task<int> WriteAsync(SortedDictionary<string, TreeNode> from, SortedDictionary<string, TreeNode> to)
    {
        var batch = new List<TreeOperation>();
        int bytes = 0, written = 0;
        foreach ((string path, TreeNode node) in from)
        {
            if (path == ZnodePaths.ClusterId)
            {
                continue;
            }

            bool exists = to.TryGetValue(path, out TreeNode? there);
            if (exists && there!.Data.Length == node.Data.Length)
            {
                continue;
            }

            if (batch.Count == BatchOperations || (batch.Count > 0 && bytes + path.Length + node.Data.Length > BatchBytes))
            {
                written += await FlushAsync(batch).ConfigureAwait(false);
                bytes = 0;
            }

            batch.Add(exists ? TreeOperation.Set(path, node.Data, there!.Stat.Version) : TreeOperation.Create(path, node.Data));
            bytes += path.Length + node.Data.Length;
        }

        return written + await FlushAsync(batch).ConfigureAwait(false);
    }

    /// <summary>Generated broker ids come from this node's version: a lower one would give out ids that are taken.</summary>
    private async Task<int> RaiseSequenceAsync(SortedDictionary<string, TreeNode> from)
    {
        if (!from.TryGetValue(ZnodePaths.BrokerSequence, out TreeNode? sequence))
        {
            return 0;
        }

        int version = (await target.GetAsync(ZnodePaths.BrokerSequence).ConfigureAwait(false)).Stat.Version, raised = 0;
        for (; version < sequence.Stat.Version; raised++)
        {
            version = (await target.SetAsync(ZnodePaths.BrokerSequence, sequence.Data, version).ConfigureAwait(false)).Version;
        }

        return raised;
    }

    /// <summary>Last: a tree with an id is whole.</summary>
    private async Task<int> WriteIdAsync(TreeNode id, SortedDictionary<string, TreeNode> to)
    {
        if (to.TryGetValue(ZnodePaths.ClusterId, out TreeNode? there) && there.Data.Length > 0)
        {
            return 0;
        }

        return await FlushAsync([there is null ? TreeOperation.Create(ZnodePaths.ClusterId, id.Data) : TreeOperation.Set(ZnodePaths.ClusterId, id.Data, there.Stat.Version)]).ConfigureAwait(false);
    }

    private async Task VerifyAsync(SortedDictionary<string, TreeNode> from)
    {
        SortedDictionary<string, TreeNode> copied = await ReadAsync(target, "target").ConfigureAwait(false);
        foreach ((string path, TreeNode node) in from)
        {
            if (!copied.TryGetValue(path, out TreeNode? there) || !there.Data.AsSpan().SequenceEqual(node.Data))
            {
                throw new InvalidDataException(
                    $"After the copy {path} of the target differs from the source ({there?.Data.Length ?? -1} bytes, not {node.Data.Length}): "
                    + "something else writes there. Stop it and copy again");
            }
        }
    }

    private async Task<int> FlushAsync(List<TreeOperation> batch)
    {
        int count = batch.Count;
        if (count > 0)
        {
            await target.MultiAsync(batch).ConfigureAwait(false);
            batch.Clear();
        }

        return count;
    }
}
