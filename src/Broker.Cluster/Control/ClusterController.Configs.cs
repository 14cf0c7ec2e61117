namespace Broker.Cluster;

/// <summary>Writing overrides and telling of them.</summary>
public sealed partial class ClusterController
{
    /// <summary>How long a notification stays for brokers that were away, as in Kafka.</summary>
    private static readonly TimeSpan ConfigChangeLife = TimeSpan.FromMinutes(15);

    /// <summary>Of a shared tree only itself knows what is newest.</summary>
    private async Task<IReadOnlyDictionary<string, string>> NewestAsync(string path, IReadOnlyDictionary<string, string> known) =>
        _links is null ? known : ConfigZnode.Decode(path, await TryGetAsync(_tree, path).ConfigureAwait(false) is { } node ? node.Data : []);

    private async Task WriteConfigAsync(string path, string entityPath, IReadOnlyDictionary<string, string> config)
    {
        byte[] bytes = ConfigZnode.Encode(config);
        bool exists = await _tree.ExistsAsync(path).ConfigureAwait(false) is not null;
        await _tree.MultiAsync(
        [
            exists ? TreeOperation.Set(path, bytes) : TreeOperation.Create(path, bytes),
            TreeOperation.Create(ZnodePaths.ConfigChangePrefix, ConfigChangeZnode.Encode(entityPath), CreateMode.PersistentSequential),
        ]).ConfigureAwait(false);
        await ExpireConfigChangesAsync().ConfigureAwait(false);
    }

    /// <summary>Whoever writes a notification removes those that are old, which come first.</summary>
    private async Task ExpireConfigChangesAsync()
    {
        long oldest = NowMs() - (long)ConfigChangeLife.TotalMilliseconds;
        var expired = new List<TreeOperation>();
        foreach (string name in await _tree.ChildrenAsync(ZnodePaths.ConfigChanges).ConfigureAwait(false))
        {
            string path = $"{ZnodePaths.ConfigChanges}/{name}";
            if (await _tree.ExistsAsync(path).ConfigureAwait(false) is not { } stat || stat.CtimeMs >= oldest)
            {
                break;
            }

            expired.Add(TreeOperation.Delete(path));
        }

        if (expired.Count == 0)
        {
            return;
        }

        try
        {
            await _tree.MultiAsync(expired).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.NoNode)
        {
            // Another broker removes them as well.
        }
    }

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
