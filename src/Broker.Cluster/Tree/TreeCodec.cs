using System.Buffers.Binary;
using System.Text;
using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Cluster;

/// <summary>
/// Bytes of transactions and snapshots of the embedded store. Both stand in a frame: length and CRC-32C of the body, then the body, whose first byte is
/// the format. Bounds are checked on reading: the files may be damaged.
/// </summary>
internal static class TreeCodec
{
    public const int FrameBytes = 8;

    private const sbyte Format = 1;

    /// <summary>Format, last zxid, number of nodes: the smallest body there is. A run of zeros, which a crash of the machine may leave, is no frame.</summary>
    private const int MinBodyBytes = 1 + 8 + 4;

    public static byte[] Frame(TreeTransaction transaction)
    {
        int size = 1 + 8 + 8 + 4;
        foreach (TreeChange change in transaction.Changes)
        {
            size += 1 + 2 + Encoding.UTF8.GetByteCount(change.Path) + 4 + change.Data.Length + 8;
        }

        var bytes = new byte[FrameBytes + size];
        var writer = new WireWriter(bytes, FrameBytes);
        writer.WriteInt8(Format);
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

        return Seal(bytes);
    }

    /// <exception cref="ProtocolException">The bytes are no transaction.</exception>
    public static TreeTransaction DecodeTransaction(ReadOnlyMemory<byte> body)
    {
        var reader = new WireReader(body);
        ExpectFormat(reader.ReadInt8());
        long zxid = reader.ReadInt64();
        long time = reader.ReadInt64();
        int count = reader.ReadArrayCount(compact: false, minElementBytes: 15);
        var changes = new List<TreeChange>(count);
        for (int i = 0; i < count; i++)
        {
            var kind = (TreeOperationKind)reader.ReadInt8();
            changes.Add(new TreeChange(kind, reader.ReadString(compact: false), reader.ReadBytes(compact: false), reader.ReadInt64()));
        }

        ExpectEnd(reader.Remaining);
        return new TreeTransaction(zxid, time, changes);
    }

    /// <summary>A whole tree: format, last zxid, count, then the nodes, parents before children.</summary>
    public static byte[] FrameSnapshot(TreeState state)
    {
        List<KeyValuePair<string, TreeState.Node>> nodes = [.. state.Nodes.OrderBy(n => n.Key, StringComparer.Ordinal)];
        int size = 1 + 8 + 4;
        foreach ((string path, TreeState.Node node) in nodes)
        {
            size += 2 + Encoding.UTF8.GetByteCount(path) + 4 + node.Data.Length + (6 * 8) + (3 * 4);
        }

        var bytes = new byte[FrameBytes + size];
        var writer = new WireWriter(bytes, FrameBytes);
        writer.WriteInt8(Format);
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

        return Seal(bytes);
    }

    /// <exception cref="ProtocolException">The bytes are no snapshot.</exception>
    /// <exception cref="InvalidDataException">A node has no parent.</exception>
    public static TreeState DecodeSnapshot(ReadOnlyMemory<byte> body)
    {
        var state = new TreeState();
        var reader = new WireReader(body);
        ExpectFormat(reader.ReadInt8());
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

        ExpectEnd(reader.Remaining);
        return state;
    }

    /// <summary>Reads the frame at the start of <paramref name="bytes"/>; false when it is cut short or its checksum is wrong.</summary>
    public static bool TryUnframe(ReadOnlyMemory<byte> bytes, out ReadOnlyMemory<byte> body)
    {
        body = default;
        if (bytes.Length < FrameBytes)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadInt32BigEndian(bytes.Span);
        if (length < MinBodyBytes || length > bytes.Length - FrameBytes)
        {
            return false;
        }

        body = bytes.Slice(FrameBytes, length);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes.Span[4..]) == Crc32C.Compute(body.Span);
    }

    private static byte[] Seal(byte[] frame)
    {
        BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length - FrameBytes);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), Crc32C.Compute(frame.AsSpan(FrameBytes)));
        return frame;
    }

    private static void ExpectFormat(sbyte format)
    {
        if (format != Format)
        {
            throw new ProtocolException($"its format is {format}, but this version knows only {Format}: a newer version wrote it, or it is not a file of the coordination tree");
        }
    }

    private static void ExpectEnd(int remaining)
    {
        if (remaining != 0)
        {
            throw new ProtocolException($"{remaining} bytes are left over");
        }
    }
}
