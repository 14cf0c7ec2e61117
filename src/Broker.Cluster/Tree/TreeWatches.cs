namespace Broker.Cluster;

/// <summary>
/// The watches of a session, told in the order of the changes. Used under the lock of <see cref="EmbeddedTree"/>, which a callback may enter
/// again: events of a change it makes wait until those already due are told.
/// </summary>
internal sealed class TreeWatches
{
    private readonly Dictionary<(string Path, bool OfChildren), List<Action<WatchedEvent>>> _watches = [];
    private readonly List<(string Path, Action<WatchedEvent> Watcher)> _recursive = [];
    private readonly Queue<(Action<WatchedEvent> Watcher, WatchedEvent Event)> _due = new();
    private bool _telling;

    public void Add(string path, bool ofChildren, Action<WatchedEvent>? watch)
    {
        if (watch is not null)
        {
            if (!_watches.TryGetValue((path, ofChildren), out List<Action<WatchedEvent>>? watchers))
            {
                _watches[(path, ofChildren)] = watchers = [];
            }

            watchers.Add(watch);
        }
    }

    public void AddRecursive(string path, Action<WatchedEvent> watch) => _recursive.Add((path, watch));

    public void RemoveRecursive(string path, Action<WatchedEvent> watch) => _recursive.Remove((path, watch));

    public void Tell(List<TreeChange> changes)
    {
        if (_watches.Count > 0 || _recursive.Count > 0)
        {
            foreach (TreeChange change in changes)
            {
                Collect(change);
            }
        }

        if (_telling)
        {
            return;
        }

        _telling = true;
        try
        {
            while (_due.TryDequeue(out (Action<WatchedEvent> Watcher, WatchedEvent Event) next))
            {
                next.Watcher(next.Event);
            }
        }
        finally
        {
            _telling = false;
        }
    }

    private void Collect(TreeChange change)
    {
        switch (change.Kind)
        {
            case TreeOperationKind.Create:
                Collect(change.Path, ofChildren: false, WatchedEventType.NodeCreated);
                CollectRecursive(change.Path, WatchedEventType.NodeCreated);
                Collect(TreePath.Parent(change.Path), ofChildren: true, WatchedEventType.NodeChildrenChanged);
                break;
            case TreeOperationKind.Set:
                Collect(change.Path, ofChildren: false, WatchedEventType.NodeDataChanged);
                CollectRecursive(change.Path, WatchedEventType.NodeDataChanged);
                break;
            case TreeOperationKind.Delete:
                Collect(change.Path, ofChildren: false, WatchedEventType.NodeDeleted);
                Collect(change.Path, ofChildren: true, WatchedEventType.NodeDeleted);
                CollectRecursive(change.Path, WatchedEventType.NodeDeleted);
                Collect(TreePath.Parent(change.Path), ofChildren: true, WatchedEventType.NodeChildrenChanged);
                break;
        }
    }

    private void Collect(string path, bool ofChildren, WatchedEventType type)
    {
        if (_watches.Remove((path, ofChildren), out List<Action<WatchedEvent>>? watchers))
        {
            foreach (Action<WatchedEvent> watcher in watchers)
            {
                _due.Enqueue((watcher, new WatchedEvent(type, path)));
            }
        }
    }

    private void CollectRecursive(string path, WatchedEventType type)
    {
        foreach ((string root, Action<WatchedEvent> watcher) in _recursive)
        {
            if (path.StartsWith(root, StringComparison.Ordinal) && (path.Length == root.Length || root == "/" || path[root.Length] == '/'))
            {
                _due.Enqueue((watcher, new WatchedEvent(type, path)));
            }
        }
    }
}
