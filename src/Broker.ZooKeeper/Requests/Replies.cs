namespace Broker.ZooKeeper;

/// <summary>The bodies of answers.</summary>
internal static class Replies
{
    private const int MultiHeaderBytes = 9;

    public static ZooKeeperNode Node(ZooKeeperError error, ref JuteReader body, string path) => ReadNode(ref body);

    public static ZooKeeperStat? Existence(ZooKeeperError error, ref JuteReader body, string path) => error == ZooKeeperError.NoNode ? null : ZooKeeperStat.Read(ref body);

    public static ZooKeeperStat Stat(ZooKeeperError error, ref JuteReader body, string path) => ZooKeeperStat.Read(ref body);

    public static ZooKeeperChildren Children(ZooKeeperError error, ref JuteReader body, string path)
    {
        var names = new string[body.ReadCount(minElementBytes: sizeof(int))];
        for (int i = 0; i < names.Length; i++)
        {
            names[i] = body.ReadString();
        }

        return new ZooKeeperChildren(names, ZooKeeperStat.Read(ref body));
    }

    public static (ZooKeeperAcl[] Acl, ZooKeeperStat Stat) Acl(ZooKeeperError error, ref JuteReader body, string path) => (ZooKeeperAcl.ReadList(ref body), ZooKeeperStat.Read(ref body));

    public static bool Nothing(ZooKeeperError error, ref JuteReader body, string path) => true;

    public static ReplyDecoder<ZooKeeperCreated> Created(string chroot, bool hasStat) =>
        (ZooKeeperError _, ref JuteReader body, string _) => new ZooKeeperCreated(ServerPaths.Own(chroot, body.ReadString()), hasStat ? ZooKeeperStat.Read(ref body) : null);

    public static ReplyDecoder<ZooKeeperOperationResult[]> Multi(IReadOnlyList<ZooKeeperOperation> operations, string chroot) =>
        (ZooKeeperError error, ref JuteReader body, string _) =>
        {
            var results = new ZooKeeperOperationResult[operations.Count];
            ZooKeeperRequestException? refusal = null;
            for (int i = 0; i < results.Length; i++)
            {
                results[i] = Result(ref body, operations[i].Path, i, chroot, ref refusal);
            }

            if (body.Remaining < MultiHeaderBytes || (OpCode)body.ReadInt32() != OpCode.Error || !body.ReadBool())
            {
                throw new ZooKeeperProtocolException($"The answer to a multi of {operations.Count} operations has more results than that, or no end");
            }

            return refusal is not null ? throw refusal
                : error != ZooKeeperError.Ok ? throw ZooKeeperRequestException.Of(error, operations.Count > 0 ? operations[0].Path : "/")
                : results;
        };

    public static ReplyDecoder<ZooKeeperReadResult[]> MultiRead(int count) => (ZooKeeperError _, ref JuteReader body, string _) =>
    {
        var results = new ZooKeeperReadResult[count];
        for (int i = 0; i < count; i++)
        {
            (OpCode op, bool done) = Header(ref body);
            results[i] = (op, done) switch
            {
                (OpCode.Error, false) => new ZooKeeperReadResult((ZooKeeperError)body.ReadInt32(), default),
                (OpCode.GetData, false) => new ZooKeeperReadResult(ZooKeeperError.Ok, ReadNode(ref body)),
                _ => throw new ZooKeeperProtocolException($"The answer to a multi-read of {count} nodes has result {i} of type {(int)op}"),
            };
        }

        return results;
    };

    private static ZooKeeperNode ReadNode(ref JuteReader body) => new(body.ReadBuffer() ?? [], ZooKeeperStat.Read(ref body));

    private static ZooKeeperOperationResult Result(ref JuteReader body, string path, int index, string chroot, ref ZooKeeperRequestException? refusal)
    {
        (OpCode op, bool done) = Header(ref body);
        if (done)
        {
            throw new ZooKeeperProtocolException($"The answer to a multi ends before operation {index}");
        }

        switch (op)
        {
            case OpCode.Create:
                return new ZooKeeperOperationResult(ServerPaths.Own(chroot, body.ReadString()), null);
            case OpCode.Create2:
                // No known server sends it in a multi, but the protocol has it.
                return new ZooKeeperOperationResult(ServerPaths.Own(chroot, body.ReadString()), ZooKeeperStat.Read(ref body));
            case OpCode.SetData:
                return new ZooKeeperOperationResult(path, ZooKeeperStat.Read(ref body));
            case OpCode.Delete or OpCode.Check:
                return new ZooKeeperOperationResult(path, null);
            case OpCode.Error:
                // Those before the refused one have "ok" here, those behind it "runtime inconsistency".
                var error = (ZooKeeperError)body.ReadInt32();
                if (error != ZooKeeperError.Ok)
                {
                    refusal ??= ZooKeeperRequestException.Of(error, path, index);
                }

                return default;
            default:
                throw new ZooKeeperProtocolException($"The answer to a multi has result {index} of type {(int)op}");
        }
    }

    private static (OpCode Op, bool Done) Header(ref JuteReader body)
    {
        var op = (OpCode)body.ReadInt32();
        bool done = body.ReadBool();
        body.ReadInt32();
        return (op, done);
    }
}
