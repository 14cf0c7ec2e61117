using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Broker.ZooKeeper;

/// <summary>Builds one frame (length, then records) in an array of the shared pool, which whoever takes the frame gives back.</summary>
internal ref struct JuteWriter
{
    private const int FirstBytes = 256;

    // A lone surrogate would become another character, and so the path of another node.
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private byte[] _buffer;
    private int _length;

    public JuteWriter()
    {
        _buffer = ArrayPool<byte>.Shared.Rent(FirstBytes);
        _length = sizeof(int);
    }

    public void Write(bool value) => Claim(1)[0] = value ? (byte)1 : (byte)0;

    public void Write(int value) => BinaryPrimitives.WriteInt32BigEndian(Claim(4), value);

    public void Write(long value) => BinaryPrimitives.WriteInt64BigEndian(Claim(8), value);

    public void Write(string text)
    {
        int bytes = StrictUtf8.GetByteCount(text);
        Write(bytes);
        StrictUtf8.GetBytes(text, Claim(bytes));
    }

    public void WriteBuffer(ReadOnlySpan<byte> bytes)
    {
        Write(bytes.Length);
        bytes.CopyTo(Claim(bytes.Length));
    }

    /// <summary>Empty is written as absent, as Kafka writes nodes without content.</summary>
    public void WriteData(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            Write(-1);
        }
        else
        {
            WriteBuffer(bytes);
        }
    }

    public void Write(IReadOnlyCollection<string> texts)
    {
        Write(texts.Count);
        foreach (string text in texts)
        {
            Write(text);
        }
    }

    public void Write(IReadOnlyList<ZooKeeperAcl> acl)
    {
        Write(acl.Count);
        foreach (ZooKeeperAcl entry in acl)
        {
            Write((int)entry.Permissions);
            Write(entry.Scheme);
            Write(entry.Id);
        }
    }

    /// <summary>Fills in the length and hands the frame over.</summary>
    public ArraySegment<byte> Finish()
    {
        BinaryPrimitives.WriteInt32BigEndian(_buffer, _length - sizeof(int));
        return new ArraySegment<byte>(_buffer, 0, _length);
    }

    /// <summary>Gives the array back when the frame could not be built.</summary>
    public readonly void Abandon() => ArrayPool<byte>.Shared.Return(_buffer);

    private Span<byte> Claim(int bytes)
    {
        int end = checked(_length + bytes);
        if (end > _buffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(end, _buffer.Length * 2));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        Span<byte> claimed = _buffer.AsSpan(_length, bytes);
        _length = end;
        return claimed;
    }
}
