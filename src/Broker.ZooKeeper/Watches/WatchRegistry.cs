namespace Broker.ZooKeeper;

/// <summary>
/// Who watches what in this session, so that events find their watchers and a new connection can set everything again. Thread-safe; returns watchers and
/// never calls one. Paths are those of the server, chroot included.
/// </summary>
internal sealed class WatchRegistry
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<Action<ZooKeeperEvent>>>[] _oneShot = [new(StringComparer.Ordinal), new(StringComparer.Ordinal), new(StringComparer.Ordinal)];
    private readonly Dictionary<string, PersistentWatch> _persistent = new(StringComparer.Ordinal);

    public void Add(string path, WatchKind kind, Action<ZooKeeperEvent> watcher)
    {
        lock (_lock)
        {
            Dictionary<string, List<Action<ZooKeeperEvent>>> watches = _oneShot[(int)kind];
            if (!watches.TryGetValue(path, out List<Action<ZooKeeperEvent>>? watchers))
            {
                watches[path] = watchers = [];
            }

            watchers.Add(watcher);
        }
    }

    /// <summary>The persistent watch whose events a one-shot watch at this path is to be told from; it stays from now on.</summary>
    public PersistentWatch? Lean(string path)
    {
        lock (_lock)
        {
            if (_persistent.TryGetValue(path, out PersistentWatch? persistent))
            {
                persistent.IsPinned = true;
            }

            return persistent;
        }
    }

    /// <summary>The watch at this path that exists, or null after <paramref name="added"/> became the task of a new one.</summary>
    public PersistentWatch? FindOrBegin(string path, bool isRecursive, Task added)
    {
        lock (_lock)
        {
            if (_persistent.TryGetValue(path, out PersistentWatch? existing))
            {
                return existing;
            }

            _persistent[path] = new PersistentWatch(isRecursive, added);
            return null;
        }
    }

    /// <summary>False when the watch at this path was removed meanwhile.</summary>
    public bool AddPersistent(string path, Action<ZooKeeperEvent> watcher)
    {
        lock (_lock)
        {
            if (!_persistent.TryGetValue(path, out PersistentWatch? persistent))
            {
                return false;
            }

            persistent.IsEstablished = true;
            persistent.Watchers.Add(watcher);
            return true;
        }
    }

    public void ForgetPersistent(string path)
    {
        lock (_lock)
        {
            _persistent.Remove(path);
        }
    }

    /// <summary>True when the server's watch has nobody left and is to be removed there.</summary>
    public bool RemovePersistent(string path, Action<ZooKeeperEvent> watcher)
    {
        lock (_lock)
        {
            if (!_persistent.TryGetValue(path, out PersistentWatch? persistent) || !persistent.Watchers.Remove(watcher) || persistent.Watchers.Count > 0
                || persistent.IsPinned || _oneShot.Any(watches => watches.ContainsKey(path)))
            {
                return false;
            }

            _persistent.Remove(path);
            return true;
        }
    }

    /// <summary>Takes who is to be told of an event of the server; one-shot watches are gone afterwards.</summary>
    public void Collect(ZooKeeperEventType type, string path, List<Action<ZooKeeperEvent>> watchers)
    {
        lock (_lock)
        {
            switch (type)
            {
                case ZooKeeperEventType.NodeCreated or ZooKeeperEventType.NodeDataChanged:
                    Take(WatchKind.Data, path, watchers);
                    Take(WatchKind.Existence, path, watchers);
                    break;
                case ZooKeeperEventType.NodeChildrenChanged:
                    Take(WatchKind.Children, path, watchers);
                    break;
                case ZooKeeperEventType.NodeDeleted:
                    Take(WatchKind.Data, path, watchers);
                    Take(WatchKind.Existence, path, watchers);
                    Take(WatchKind.Children, path, watchers);
                    break;
            }

            CollectPersistent(type, path, watchers);
        }
    }

    /// <summary>One-shot watches of children that lean on a recursive watch: it tells of the child, not of the parent.</summary>
    public void CollectParentOfRecursive(ZooKeeperEventType type, string path, List<Action<ZooKeeperEvent>> watchers)
    {
        if (type is ZooKeeperEventType.NodeCreated or ZooKeeperEventType.NodeDeleted && path != "/")
        {
            lock (_lock)
            {
                string parent = ParentOf(path);
                if (_persistent.TryGetValue(parent, out PersistentWatch? persistent) && persistent.IsRecursive)
                {
                    Take(WatchKind.Children, parent, watchers);
                }
            }
        }
    }

    public List<(string Path, Action<ZooKeeperEvent> Watcher)> PersistentWatchers()
    {
        lock (_lock)
        {
            return [.. _persistent.SelectMany(p => p.Value.Watchers.Select(w => (p.Key, w)))];
        }
    }

    /// <summary>Empties the registry: the session is over.</summary>
    public List<(string Path, Action<ZooKeeperEvent> Watcher)> TakeAll()
    {
        lock (_lock)
        {
            List<(string, Action<ZooKeeperEvent>)> all = [.. _oneShot.SelectMany(kind => kind).SelectMany(w => w.Value.Select(watcher => (w.Key, watcher)))];
            all.AddRange(_persistent.SelectMany(p => p.Value.Watchers.Select(w => (p.Key, w))));
            Array.ForEach(_oneShot, kind => kind.Clear());
            _persistent.Clear();
            return all;
        }
    }

    /// <summary>Everything that a new connection has to tell its server.</summary>
    public WatchList Snapshot()
    {
        lock (_lock)
        {
            return new WatchList(
                [.. _oneShot[(int)WatchKind.Data].Keys], [.. _oneShot[(int)WatchKind.Existence].Keys], [.. _oneShot[(int)WatchKind.Children].Keys],
                [.. _persistent.Where(p => p.Value.IsEstablished && !p.Value.IsRecursive).Select(p => p.Key)],
                [.. _persistent.Where(p => p.Value.IsEstablished && p.Value.IsRecursive).Select(p => p.Key)]);
        }
    }

    internal static string ParentOf(string path)
    {
        int slash = path.LastIndexOf('/');
        return slash <= 0 ? "/" : path[..slash];
    }

    private void Take(WatchKind kind, string path, List<Action<ZooKeeperEvent>> watchers)
    {
        if (_oneShot[(int)kind].Remove(path, out List<Action<ZooKeeperEvent>>? taken))
        {
            watchers.AddRange(taken);
        }
    }

    private void CollectPersistent(ZooKeeperEventType type, string path, List<Action<ZooKeeperEvent>> watchers)
    {
        if (_persistent.Count == 0)
        {
            return;
        }

        if (_persistent.TryGetValue(path, out PersistentWatch? here) && !(here.IsRecursive && type == ZooKeeperEventType.NodeChildrenChanged))
        {
            watchers.AddRange(here.Watchers);
        }

        // A child's change is told by its own event; its parents' lists of children are not told to recursive watches.
        for (string at = path; at != "/" && type != ZooKeeperEventType.NodeChildrenChanged;)
        {
            at = ParentOf(at);
            if (_persistent.TryGetValue(at, out PersistentWatch? above) && above.IsRecursive)
            {
                watchers.AddRange(above.Watchers);
            }
        }
    }
}
