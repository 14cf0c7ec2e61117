using System.Buffers.Binary;
using System.Text;

namespace Broker.EndToEnd;

/// <summary>Reads a response of a version that is not flexible, field by field, without anything of the broker, as <see cref="RequestBytes"/> writes requests.</summary>
internal sealed class ResponseBytes(byte[] response)
{
    private int _at;

    public bool Bool() => Take(1)[0] != 0;

    public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    /// <summary>Null becomes empty.</summary>
    public string String() => Encoding.UTF8.GetString(Take(Math.Max((int)Int16(), 0)));

    public int[] Int32s() => [.. Enumerable.Range(0, Int32()).Select(_ => Int32())];

    private ReadOnlySpan<byte> Take(int count)
    {
        ReadOnlySpan<byte> taken = response.AsSpan(_at, count);
        _at += count;
        return taken;
    }
}
