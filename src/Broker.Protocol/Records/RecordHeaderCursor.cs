namespace Broker.Protocol.Records;

/// <summary>Walks the headers of a <see cref="Record"/>, which has checked them.</summary>
public ref struct RecordHeaderCursor(Record record)
{
    private readonly int _count = record.HeaderCount;
    private ReadOnlySpan<byte> _rest = record.Headers;
    private int _index;

    public bool MoveNext(out ReadOnlySpan<byte> key, out bool hasValue, out ReadOnlySpan<byte> value)
    {
        key = value = default;
        hasValue = false;
        if (_index >= _count)
        {
            return false;
        }

        _index++;
        key = Take(ReadVarint());
        int length = ReadVarint();
        hasValue = length >= 0;
        value = Take(Math.Max(length, 0));
        return true;
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        ReadOnlySpan<byte> taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    private int ReadVarint()
    {
        uint bits = 0;
        int shift = 0;
        byte b;
        do
        {
            b = _rest[0];
            _rest = _rest[1..];
            bits |= (uint)(b & 0x7f) << shift;
            shift += 7;
        }
        while (b >= 0x80);
        return (int)(bits >> 1) ^ -(int)(bits & 1);
    }
}
