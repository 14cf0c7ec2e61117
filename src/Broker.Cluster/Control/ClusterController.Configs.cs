namespace Broker.Cluster;

/// <summary>Writing overrides and telling of them.</summary>
public sealed partial class ClusterController
{
    /// <summary>How long a notification stays for brokers that were away, as in Kafka.</summary>
    private static readonly TimeSpan ConfigChangeLife = TimeSpan.FromMinutes(15);

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

        await CommitAsync(expired).ConfigureAwait(false);
    }

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
