using System.Buffers.Binary;
using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>Bytes of transactions and snapshots of the embedded store. Bounds are checked on reading: the files may be damaged.</summary>
internal static class TreeCodec
{
    public static byte[] Encode(TreeTransaction transaction)
    {
        int size = 20 + transaction.Changes.Sum(c => 1 + 2 + System.Text.Encoding.UTF8.GetByteCount(c.Path) + 4 + c.Data.Length + 8);
        var bytes = new byte[size];
        var writer = new WireWriter(bytes);
        writer.WriteInt64(transaction.Zxid);
        writer.WriteInt64(transaction.TimeMs);
        writer.WriteInt32(transaction.Changes.Count);
        foreach (TreeChange change in transaction.Changes)
        {
            writer.WriteInt8((sbyte)change.Kind);
            writer.WriteString(change.Path, compact: false);
            writer.WriteBytes(change.Data, compact: false);
            writer.WriteInt64(change.EphemeralOwner);
        }

        return bytes;
    }

    /// <exception cref="ProtocolException">The bytes are no transaction.</exception>
    public static TreeTransaction Decode(ReadOnlyMemory<byte> bytes)
    {
        var reader = new WireReader(bytes);
        long zxid = reader.ReadInt64();
        long time = reader.ReadInt64();
        int count = reader.ReadArrayCount(compact: false, minElementBytes: 15);
        var changes = new List<TreeChange>(count);
        for (int i = 0; i < count; i++)
        {
            var kind = (TreeOperationKind)reader.ReadInt8();
            changes.Add(new TreeChange(kind, reader.ReadString(compact: false), reader.ReadBytes(compact: false), reader.ReadInt64()));
        }

        return new TreeTransaction(zxid, time, changes);
    }

    /// <summary>A snapshot's body: last zxid, count, then nodes with parents before children.</summary>
    public static byte[] EncodeSnapshot(TreeState state)
    {
        List<KeyValuePair<string, TreeState.Node>> nodes = [.. state.Nodes.OrderBy(n => n.Key, StringComparer.Ordinal)];
        int size = 12 + nodes.Sum(n => 2 + System.Text.Encoding.UTF8.GetByteCount(n.Key) + 4 + n.Value.Data.Length + (6 * 8) + (3 * 4));
        var bytes = new byte[size];
        var writer = new WireWriter(bytes);
        writer.WriteInt64(state.LastZxid);
        writer.WriteInt32(nodes.Count);
        foreach ((string path, TreeState.Node node) in nodes)
        {
            writer.WriteString(path, compact: false);
            writer.WriteBytes(node.Data, compact: false);
            writer.WriteInt64(node.Czxid);
            writer.WriteInt64(node.Mzxid);
            writer.WriteInt64(node.Pzxid);
            writer.WriteInt64(node.CtimeMs);
            writer.WriteInt64(node.MtimeMs);
            writer.WriteInt64(node.EphemeralOwner);
            writer.WriteInt32(node.Version);
            writer.WriteInt32(node.Cversion);
            writer.WriteInt32(node.CreatedChildren);
        }

        return bytes;
    }

    /// <exception cref="ProtocolException">The bytes are no snapshot.</exception>
    public static TreeState DecodeSnapshot(ReadOnlyMemory<byte> bytes)
    {
        var state = new TreeState();
        var reader = new WireReader(bytes);
        state.RestoreZxid(reader.ReadInt64());
        int count = reader.ReadArrayCount(compact: false, minElementBytes: 66);
        for (int i = 0; i < count; i++)
        {
            string path = reader.ReadString(compact: false);
            byte[] data = reader.ReadBytes(compact: false);
            long czxid = reader.ReadInt64(), mzxid = reader.ReadInt64(), pzxid = reader.ReadInt64(), ctime = reader.ReadInt64(), mtime = reader.ReadInt64(), owner = reader.ReadInt64();
            state.Restore(path, new TreeState.Node(data, czxid, ctime, owner)
            {
                Mzxid = mzxid,
                Pzxid = pzxid,
                MtimeMs = mtime,
                Version = reader.ReadInt32(),
                Cversion = reader.ReadInt32(),
                CreatedChildren = reader.ReadInt32(),
            });
        }

        return state;
    }

    /// <summary>Length and CRC-32C in front of a body, the frame of both files.</summary>
    public static byte[] Frame(byte[] body)
    {
        var framed = new byte[FrameBytes + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed, body.Length);
        BinaryPrimitives.WriteUInt32BigEndian(framed.AsSpan(4), Broker.Protocol.Records.Crc32C.Compute(body));
        body.CopyTo(framed, FrameBytes);
        return framed;
    }

    public const int FrameBytes = 8;

    /// <summary>Reads the frame at the start of <paramref name="bytes"/>; false when it is cut short or its checksum is wrong.</summary>
    public static bool TryUnframe(ReadOnlyMemory<byte> bytes, out ReadOnlyMemory<byte> body)
    {
        body = default;
        if (bytes.Length < FrameBytes)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadInt32BigEndian(bytes.Span);
        if (length < 0 || length > bytes.Length - FrameBytes)
        {
            return false;
        }

        body = bytes.Slice(FrameBytes, length);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes.Span[4..]) == Broker.Protocol.Records.Crc32C.Compute(body.Span);
    }
}
