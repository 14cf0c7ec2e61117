namespace Broker.ZooKeeper;

/// <summary>Watches that stay until they are removed; servers of 3.6 and newer have them.</summary>
public sealed partial class ZooKeeperClient
{
    private enum AddWatchMode
    {
        Persistent = 0,
        PersistentRecursive = 1,
    }

    private enum WatcherType
    {
        Any = 3,
    }

    /// <summary>
    /// Tells of every change of the node, which need not exist: its creation, bytes, children and deletion. A recursive watch tells instead of every
    /// creation, change of bytes and deletion of it and of all below. Until the result is disposed.
    /// </summary>
    /// <exception cref="InvalidOperationException">The path has a watch of the other kind: servers keep one for each path.</exception>
    public async Task<IAsyncDisposable> AddWatchAsync(string path, bool isRecursive, Action<ZooKeeperEvent> watcher)
    {
        string full = ServerPaths.Full(Chroot, path);
        while (true)
        {
            var added = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            PersistentWatch? existing = _loop.Watches.FindOrBegin(full, isRecursive, added.Task);
            if (existing is null)
            {
                await BeginAsync(path, full, isRecursive, watcher, added).ConfigureAwait(false);
                return new Subscription(this, path, full, watcher);
            }

            if (existing.IsRecursive != isRecursive)
            {
                throw new InvalidOperationException($"{path} has a persistent watch that is {(isRecursive ? "not " : "")}recursive; ZooKeeper keeps one kind for each path");
            }

            await existing.Added.ConfigureAwait(false);
            if (_loop.Watches.AddPersistent(full, watcher))
            {
                return new Subscription(this, path, full, watcher);
            }
        }
    }

    private async Task BeginAsync(string path, string full, bool isRecursive, Action<ZooKeeperEvent> watcher, TaskCompletionSource added)
    {
        try
        {
            int mode = (int)(isRecursive ? AddWatchMode.PersistentRecursive : AddWatchMode.Persistent);
            ArraySegment<byte> frame = Frame(() => RequestFrames.PathAndNumber(OpCode.AddWatch, full, mode), path);
            await Submit(new PendingRequest<bool>(OpCode.AddWatch, path, isRepeatable: true, frame, Replies.Nothing)
            {
                Answered = error =>
                {
                    if (error == ZooKeeperError.Ok)
                    {
                        _loop.Watches.AddPersistent(full, watcher);
                    }
                },
            }).ConfigureAwait(false);
            added.SetResult();
        }
        catch (ZooKeeperException e)
        {
            _loop.Watches.ForgetPersistent(full);
            added.SetException(e);
            // Whoever waits for it observes it; if nobody does it is still no unobserved failure, because the caller gets it.
            _ = added.Task.Exception;
            throw;
        }
    }

    /// <summary>True when a persistent watch at this path tells a one-shot watch too.</summary>
    private async ValueTask<bool> LeanAsync(string full)
    {
        while (_loop.Watches.Lean(full) is { } persistent)
        {
            if (persistent.Added.IsCompletedSuccessfully)
            {
                return true;
            }

            await persistent.Added.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return false;
    }

    private async ValueTask RemoveAsync(string path, string full, Action<ZooKeeperEvent> watcher)
    {
        if (!_loop.Watches.RemovePersistent(full, watcher))
        {
            return;
        }

        try
        {
            ArraySegment<byte> frame = RequestFrames.PathAndNumber(OpCode.RemoveWatches, full, (int)WatcherType.Any);
            await Submit(new PendingRequest<bool>(OpCode.RemoveWatches, path, isRepeatable: true, frame, Replies.Nothing)).ConfigureAwait(false);
        }
        catch (ZooKeeperRequestException e) when (e.Error == ZooKeeperError.NoWatcher)
        {
            // A new connection did not set it again, because it was removed here already.
            return;
        }
        catch (ZooKeeperException) when (State != ZooKeeperState.Connected)
        {
            // The next connection does not set it again, and a session that is over has none.
            return;
        }
    }

    private sealed class Subscription(ZooKeeperClient client, string path, string full, Action<ZooKeeperEvent> watcher) : IAsyncDisposable
    {
        private int _isDisposed;

        public ValueTask DisposeAsync() => Interlocked.Exchange(ref _isDisposed, 1) == 0 ? client.RemoveAsync(path, full, watcher) : default;
    }
}
