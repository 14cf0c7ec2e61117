namespace Broker.ZooKeeper;

/// <summary>The bytes of each request. Paths are those of the server; the number of the request is filled in when it is sent.</summary>
internal static class RequestFrames
{
    public static ArraySegment<byte> OfPath(OpCode op, string path) => Build(op, path, static (ref JuteWriter w, string p) => w.Write(p));

    public static ArraySegment<byte> Empty(OpCode op) => Build(op, 0, static (ref JuteWriter _, int _) => { });

    public static ArraySegment<byte> Read(OpCode op, string path, bool watch) => Build(op, (path, watch), static (ref JuteWriter w, (string Path, bool Watch) r) =>
    {
        w.Write(r.Path);
        w.Write(r.Watch);
    });

    public static ArraySegment<byte> PathAndNumber(OpCode op, string path, int number) => Build(op, (path, number), static (ref JuteWriter w, (string Path, int Number) r) =>
    {
        w.Write(r.Path);
        w.Write(r.Number);
    });

    public static ArraySegment<byte> SetData(string path, ReadOnlyMemory<byte> data, int version) =>
        Build(OpCode.SetData, (path, data, version), static (ref JuteWriter w, (string Path, ReadOnlyMemory<byte> Data, int Version) r) => WriteSet(ref w, r.Path, r.Data.Span, r.Version));

    public static ArraySegment<byte> SetAcl(string path, IReadOnlyList<ZooKeeperAcl> acl, int version) =>
        Build(OpCode.SetAcl, (path, acl, version), static (ref JuteWriter w, (string Path, IReadOnlyList<ZooKeeperAcl> Acl, int Version) r) =>
        {
            w.Write(r.Path);
            w.Write(r.Acl);
            w.Write(r.Version);
        });

    public static ArraySegment<byte> Create(OpCode op, string path, ReadOnlyMemory<byte> data, IReadOnlyList<ZooKeeperAcl> acl, ZooKeeperCreateMode mode, long timeToLiveMs) =>
        Build(op, (op, path, data, acl, mode, timeToLiveMs), static (ref JuteWriter w, (OpCode Op, string Path, ReadOnlyMemory<byte> Data, IReadOnlyList<ZooKeeperAcl> Acl, ZooKeeperCreateMode Mode, long Ttl) r) =>
        {
            WriteCreate(ref w, r.Path, r.Data.Span, r.Acl, r.Mode);
            if (r.Op == OpCode.CreateTtl)
            {
                w.Write(r.Ttl);
            }
        });

    public static ArraySegment<byte> Multi(IReadOnlyList<ZooKeeperOperation> operations, string chroot, IReadOnlyList<ZooKeeperAcl> defaultAcl) =>
        Build(OpCode.Multi, (operations, chroot, defaultAcl), static (ref JuteWriter w, (IReadOnlyList<ZooKeeperOperation> Operations, string Chroot, IReadOnlyList<ZooKeeperAcl> Acl) r) =>
        {
            foreach (ZooKeeperOperation operation in r.Operations)
            {
                WriteOperation(ref w, operation, ServerPaths.Full(r.Chroot, operation.Path), operation.Acl ?? r.Acl);
            }

            WriteMultiHeader(ref w, OpCode.Error, done: true);
        });

    public static ArraySegment<byte> MultiRead(IReadOnlyList<string> paths) => Build(OpCode.MultiRead, paths, static (ref JuteWriter w, IReadOnlyList<string> all) =>
    {
        foreach (string path in all)
        {
            WriteMultiHeader(ref w, OpCode.GetData, done: false);
            w.Write(path);
            w.Write(false);
        }

        WriteMultiHeader(ref w, OpCode.Error, done: true);
    });

    private static void WriteOperation(ref JuteWriter writer, ZooKeeperOperation operation, string path, IReadOnlyList<ZooKeeperAcl> acl)
    {
        WriteMultiHeader(ref writer, operation.Op, done: false);
        switch (operation.Op)
        {
            case OpCode.Create:
                WriteCreate(ref writer, path, operation.Data.Span, acl, operation.Mode);
                break;
            case OpCode.SetData:
                WriteSet(ref writer, path, operation.Data.Span, operation.Version);
                break;
            default:
                writer.Write(path);
                writer.Write(operation.Version);
                break;
        }
    }

    private static void WriteMultiHeader(ref JuteWriter writer, OpCode op, bool done)
    {
        writer.Write((int)op);
        writer.Write(done);
        writer.Write(-1);
    }

    private static void WriteCreate(ref JuteWriter writer, string path, ReadOnlySpan<byte> data, IReadOnlyList<ZooKeeperAcl> acl, ZooKeeperCreateMode mode)
    {
        writer.Write(path);
        writer.WriteData(data);
        writer.Write(acl);
        writer.Write((int)mode);
    }

    private static void WriteSet(ref JuteWriter writer, string path, ReadOnlySpan<byte> data, int version)
    {
        writer.Write(path);
        writer.WriteData(data);
        writer.Write(version);
    }

    private static ArraySegment<byte> Build<T>(OpCode op, T record, RecordWriter<T> write)
    {
        var writer = new JuteWriter();
        try
        {
            writer.Write(0);
            writer.Write((int)op);
            write(ref writer, record);
            return writer.Finish();
        }
        catch
        {
            writer.Abandon();
            throw;
        }
    }

    private delegate void RecordWriter<in T>(ref JuteWriter writer, T record);
}
