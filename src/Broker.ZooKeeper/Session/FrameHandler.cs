using Microsoft.Extensions.Logging;

namespace Broker.ZooKeeper;

/// <summary>
/// What a server sends on a standing session: answers to their requests, events to their watchers. Called by one connection at a time, frame after frame,
/// so that whoever got an answer has been told of everything before it.
/// </summary>
internal sealed class FrameHandler(RequestQueue requests, WatchRegistry watches, string chroot, ILogger logger)
{
    private readonly List<Action<ZooKeeperEvent>> _due = [];
    private long _lastZxid;

    /// <summary>The newest change that this client has seen; a server that is behind it does not take the session.</summary>
    public long LastZxid => _lastZxid;

    public void Handle(ReadOnlyMemory<byte> frame)
    {
        var reader = new JuteReader(frame.Span);
        ReplyHeader header = ReplyHeader.Read(ref reader);
        if (header.Zxid > 0)
        {
            _lastZxid = header.Zxid;
        }

        switch (header.Xid)
        {
            case ReservedXid.Ping:
                break;
            case ReservedXid.WatchEvent:
                TellEvent(ref reader);
                break;
            case ReservedXid.SetWatches when header.Error != ZooKeeperError.Ok:
                throw new IOException($"The server did not set the session's watches again: {header.Error}");
            case ReservedXid.SetWatches:
                break;
            case ReservedXid.Auth:
                throw new ZooKeeperAuthFailedException($"The server withdrew the credentials: {header.Error}");
            default:
                Answer(header, ref reader);
                break;
        }
    }

    public void TellReconnected()
    {
        foreach ((string path, Action<ZooKeeperEvent> watcher) in watches.PersistentWatchers())
        {
            Tell(watcher, new ZooKeeperEvent(ZooKeeperEventType.Reconnected, ServerPaths.Own(chroot, path)));
        }
    }

    public void TellExpired()
    {
        foreach ((string path, Action<ZooKeeperEvent> watcher) in watches.TakeAll())
        {
            Tell(watcher, new ZooKeeperEvent(ZooKeeperEventType.SessionExpired, ServerPaths.Own(chroot, path)));
        }
    }

    private void Answer(ReplyHeader header, ref JuteReader body)
    {
        PendingRequest request = requests.TakeAnswered(header.Xid);
        switch (header.Error)
        {
            case ZooKeeperError.SessionExpired:
                var expired = new ZooKeeperSessionExpiredException(0);
                request.Fail(expired);
                throw expired;
            case ZooKeeperError.SessionMoved:
                request.Fail(new ZooKeeperConnectionLossException("The session moved to another server before this one could do the operation; it was not done", isOutcomeUnknown: false));
                throw new IOException("The session moved to another server");
            default:
                request.Answered?.Invoke(header.Error);
                request.Complete(header.Error, ref body);
                break;
        }
    }

    private void TellEvent(ref JuteReader body)
    {
        var type = (ZooKeeperEventType)body.ReadInt32();
        body.ReadInt32();
        string path = body.ReadString();
        // Others tell of the connection, which this client knows better, or of watches that it removed itself.
        if (type is < ZooKeeperEventType.NodeCreated or > ZooKeeperEventType.NodeChildrenChanged)
        {
            return;
        }

        _due.Clear();
        watches.Collect(type, path, _due);
        TellAll(new ZooKeeperEvent(type, ServerPaths.Own(chroot, path)));
        watches.CollectParentOfRecursive(type, path, _due);
        TellAll(new ZooKeeperEvent(ZooKeeperEventType.NodeChildrenChanged, ServerPaths.Own(chroot, WatchRegistry.ParentOf(path))));
    }

    private void TellAll(ZooKeeperEvent what)
    {
        foreach (Action<ZooKeeperEvent> watcher in _due)
        {
            Tell(watcher, what);
        }

        _due.Clear();
    }

    private void Tell(Action<ZooKeeperEvent> watcher, ZooKeeperEvent what)
    {
        try
        {
            watcher(what);
        }
        catch (Exception e)
        {
            // A mistake of one watcher must not keep the others from being told, nor cost the session.
            ZooKeeperLog.WatcherFailed(logger, what.Type, what.Path, e);
        }
    }
}
