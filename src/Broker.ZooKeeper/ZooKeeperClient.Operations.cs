using System.Buffers;
using System.Text;

namespace Broker.ZooKeeper;

/// <summary>The operations. All of them throw <see cref="ZooKeeperException"/>s; a refusal is <see cref="ZooKeeperRequestException"/>.</summary>
public sealed partial class ZooKeeperClient
{
    public Task<ZooKeeperCreated> CreateAsync(
        string path, ReadOnlyMemory<byte> data, ZooKeeperCreateMode mode = ZooKeeperCreateMode.Persistent, IReadOnlyList<ZooKeeperAcl>? acl = null, long timeToLiveMs = 0)
    {
        bool hasTimeToLive = mode is ZooKeeperCreateMode.PersistentWithTimeToLive or ZooKeeperCreateMode.PersistentSequentialWithTimeToLive;
        OpCode op = hasTimeToLive ? OpCode.CreateTtl : _options.CreateReturnsStat ? OpCode.Create2 : OpCode.Create;
        return Ask(op, path, false, p => RequestFrames.Create(op, p, data, acl ?? _options.DefaultAcl, mode, timeToLiveMs), Replies.Created(Chroot, op != OpCode.Create));
    }

    public Task DeleteAsync(string path, int version = ZooKeeperOperation.AnyVersion) =>
        Ask(OpCode.Delete, path, false, p => RequestFrames.PathAndNumber(OpCode.Delete, p, version), Replies.Nothing);

    public Task<ZooKeeperStat> SetDataAsync(string path, ReadOnlyMemory<byte> data, int version = ZooKeeperOperation.AnyVersion) =>
        Ask(OpCode.SetData, path, false, p => RequestFrames.SetData(p, data, version), Replies.Stat);

    /// <summary>Bytes and stat; the watcher is told once, of the next change of the bytes or the deletion.</summary>
    public Task<ZooKeeperNode> GetDataAsync(string path, Action<ZooKeeperEvent>? watcher = null) => Read(OpCode.GetData, path, watcher, Replies.Node);

    /// <summary>Null when there is no such node; the watcher is told once, of its creation, change or deletion.</summary>
    public Task<ZooKeeperStat?> ExistsAsync(string path, Action<ZooKeeperEvent>? watcher = null) => Read<ZooKeeperStat?>(OpCode.Exists, path, watcher, Replies.Existence);

    /// <summary>The watcher is told once, of a child made or deleted, or of the deletion of the node.</summary>
    public Task<ZooKeeperChildren> GetChildrenAsync(string path, Action<ZooKeeperEvent>? watcher = null) => Read(OpCode.GetChildren2, path, watcher, Replies.Children);

    /// <summary>What is read afterwards has everything that any client was told before this was asked.</summary>
    public Task SyncAsync(string path = "/") => Ask(OpCode.Sync, path, true, p => RequestFrames.OfPath(OpCode.Sync, p), Replies.Nothing);

    /// <summary>All operations or none, each seeing those before it.</summary>
    public Task<ZooKeeperOperationResult[]> MultiAsync(IReadOnlyList<ZooKeeperOperation> operations) => Ask(
        OpCode.Multi, operations.Count > 0 ? operations[0].Path : "/", false,
        _ => RequestFrames.Multi(operations, Chroot, _options.DefaultAcl), Replies.Multi(operations, Chroot));

    /// <summary>Several nodes in one question, from servers of 3.6 on; those that cannot be read say why.</summary>
    public Task<ZooKeeperReadResult[]> MultiReadAsync(IReadOnlyList<string> paths) => Ask(
        OpCode.MultiRead, paths.Count > 0 ? paths[0] : "/", true,
        _ => RequestFrames.MultiRead([.. paths.Select(p => ServerPaths.Full(Chroot, p))]), Replies.MultiRead(paths.Count));

    public Task<(ZooKeeperAcl[] Acl, ZooKeeperStat Stat)> GetAclAsync(string path) => Ask(OpCode.GetAcl, path, true, p => RequestFrames.OfPath(OpCode.GetAcl, p), Replies.Acl);

    /// <param name="path">The node.</param>
    /// <param name="acl">Its new access list.</param>
    /// <param name="aclVersion">The version that its access list must have; -1 for any.</param>
    public Task<ZooKeeperStat> SetAclAsync(string path, IReadOnlyList<ZooKeeperAcl> acl, int aclVersion = ZooKeeperOperation.AnyVersion) =>
        Ask(OpCode.SetAcl, path, false, p => RequestFrames.SetAcl(p, acl, aclVersion), Replies.Stat);

    /// <summary>Makes the node that the connect string names as root, and those above it, if they are missing.</summary>
    public async Task CreateChrootAsync()
    {
        for (int slash = 0; Chroot.Length > 0 && slash >= 0;)
        {
            slash = Chroot.IndexOf('/', slash + 1);
            string path = slash < 0 ? Chroot : Chroot[..slash];
            OpCode op = _options.CreateReturnsStat ? OpCode.Create2 : OpCode.Create;
            try
            {
                ArraySegment<byte> frame = Frame(() => RequestFrames.Create(op, path, default, _options.DefaultAcl, ZooKeeperCreateMode.Persistent, 0), path);
                await Submit(new PendingRequest<ZooKeeperCreated>(op, path, false, frame, Replies.Created("", _options.CreateReturnsStat))).ConfigureAwait(false);
            }
            catch (ZooKeeperRequestException e) when (e.Error == ZooKeeperError.NodeExists)
            {
                continue;
            }
        }
    }

    private Task<T> Ask<T>(OpCode op, string path, bool isRepeatable, Func<string, ArraySegment<byte>> frame, ReplyDecoder<T> decode) =>
        Submit(new PendingRequest<T>(op, path, isRepeatable, Frame(() => frame(ServerPaths.Full(Chroot, path)), path), decode));

    private async Task<T> Read<T>(OpCode op, string path, Action<ZooKeeperEvent>? watcher, ReplyDecoder<T> decode)
    {
        string full = ServerPaths.Full(Chroot, path);
        if (watcher is null)
        {
            return await Submit(new PendingRequest<T>(op, path, true, Frame(() => RequestFrames.Read(op, full, false), path), decode)).ConfigureAwait(false);
        }

        bool isToldByPersistent = await LeanAsync(full).ConfigureAwait(false);
        void Register(ZooKeeperError error)
        {
            if (error == ZooKeeperError.Ok || (error == ZooKeeperError.NoNode && op == OpCode.Exists))
            {
                WatchKind kind = op == OpCode.GetChildren2 ? WatchKind.Children : error == ZooKeeperError.Ok ? WatchKind.Data : WatchKind.Existence;
                _loop.Watches.Add(full, kind, watcher);
            }
        }

        return await Submit(new PendingRequest<T>(op, path, true, Frame(() => RequestFrames.Read(op, full, !isToldByPersistent), path), decode) { Answered = Register }).ConfigureAwait(false);
    }

    private ArraySegment<byte> Frame(Func<ArraySegment<byte>> build, string path)
    {
        ArraySegment<byte> frame;
        try
        {
            frame = build();
        }
        catch (EncoderFallbackException)
        {
            throw new ZooKeeperRequestException(ZooKeeperError.BadArguments, path, "A path, scheme or id holds half a surrogate pair, which has no UTF-8 form");
        }

        if (frame.Count - sizeof(int) > _options.MaxFrameBytes)
        {
            int bytes = frame.Count - sizeof(int);
            ArrayPool<byte>.Shared.Return(frame.Array!);
            throw new ZooKeeperRequestException(ZooKeeperError.BadArguments, path, $"The request for {path} takes {bytes} bytes; the limit is {_options.MaxFrameBytes}");
        }

        return frame;
    }

    private Task<T> Submit<T>(PendingRequest<T> request)
    {
        _loop.Requests.Enqueue(request);
        return request.Result;
    }
}
