using System.Collections;
using System.Runtime.CompilerServices;

namespace Broker.Protocol;

/// <summary>Decodes one element of an array.</summary>
public delegate T ElementReader<out T>(ref WireReader reader, short version);

/// <summary>Checks one element of an array by reading past it.</summary>
public delegate void ElementSkipper(ref WireReader reader, short version);

/// <summary>
/// An array of a message. One that was decoded keeps only the bytes, already checked, and decodes an element when it is enumerated, so a frame costs
/// nothing beyond itself until somebody looks; it is valid as long as the frame. One that was made holds ordinary elements. The default is empty.
/// </summary>
[CollectionBuilder(typeof(WireArray), nameof(WireArray.Create))]
public readonly struct WireArray<T> : IEnumerable<T>
{
    private readonly IReadOnlyList<T>? _items;
    private readonly ReadOnlyMemory<byte> _encoded;
    private readonly ElementReader<T>? _read;
    private readonly int _count;
    private readonly short _version;

    private WireArray(IReadOnlyList<T>? items, int count)
    {
        _items = items;
        _count = count;
    }

    /// <summary>Wraps encoded elements that have been checked by skipping over them.</summary>
    public WireArray(ReadOnlyMemory<byte> encoded, int count, short version, ElementReader<T> read)
    {
        _encoded = encoded;
        _count = count;
        _version = version;
        _read = read;
    }

    public static WireArray<T> Null => new(null, -1);

    public bool IsNull => _count < 0;

    /// <summary>Number of elements; 0 for null.</summary>
    public int Count => Math.Max(_count, 0);

    public static implicit operator WireArray<T>(T[]? items) => items is null ? Null : new(items, items.Length);

    public static implicit operator WireArray<T>(List<T>? items) => items is null ? Null : new(items, items.Count);

    public Enumerator GetEnumerator() => new(this);

    IEnumerator<T> IEnumerable<T>.GetEnumerator() => ToList().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => ToList().GetEnumerator();

    /// <summary>Decodes all elements, for random access or to keep them beyond the frame.</summary>
    public T[] ToArray()
    {
        var items = new T[Count];
        int i = 0;
        foreach (T item in this)
        {
            items[i++] = item;
        }

        return items;
    }

    public List<T> ToList() => [.. ToArray()];

    /// <summary>Goes through the elements once, decoding as it goes.</summary>
    public struct Enumerator
    {
        private readonly WireArray<T> _array;
        private int _index;
        private int _position;

        internal Enumerator(WireArray<T> array)
        {
            _array = array;
            _index = -1;
            _position = 0;
            Current = default!;
        }

        public T Current { get; private set; }

        public bool MoveNext()
        {
            if (++_index >= _array._count)
            {
                return false;
            }

            if (_array._items is not null)
            {
                Current = _array._items[_index];
                return true;
            }

            var reader = new WireReader(_array._encoded[_position..]);
            Current = _array._read!(ref reader, _array._version);
            _position += reader.Position;
            return true;
        }
    }
}

/// <summary>Makes arrays: from collection expressions and from the wire.</summary>
public static class WireArray
{
    public static WireArray<T> Create<T>(ReadOnlySpan<T> items) => items.ToArray();

    /// <summary>Checks the elements by skipping over them and keeps their bytes.</summary>
    public static WireArray<T> Read<T>(ref WireReader reader, short version, bool compact, bool nullable, int minElementBytes, ElementSkipper skip, ElementReader<T> read)
    {
        int count = ReadCount(ref reader, compact, nullable, minElementBytes);
        int start = reader.Position;
        for (int i = 0; i < count; i++)
        {
            skip(ref reader, version);
        }

        return count < 0 ? WireArray<T>.Null : new WireArray<T>(reader.Slice(start, reader.Position), count, version, read);
    }

    /// <summary>An array of elements that all take the same number of bytes: its end is known without looking at them.</summary>
    public static WireArray<T> ReadFixed<T>(ref WireReader reader, short version, bool compact, bool nullable, int elementBytes, ElementReader<T> read)
    {
        int count = ReadCount(ref reader, compact, nullable, elementBytes);
        int start = reader.Position;
        reader.SkipFixed(Math.Max(count, 0), elementBytes);
        return count < 0 ? WireArray<T>.Null : new WireArray<T>(reader.Slice(start, reader.Position), count, version, read);
    }

    public static void SkipFixed(ref WireReader reader, bool compact, bool nullable, int elementBytes) =>
        reader.SkipFixed(Math.Max(ReadCount(ref reader, compact, nullable, elementBytes), 0), elementBytes);

    public static void Skip(ref WireReader reader, short version, bool compact, bool nullable, int minElementBytes, ElementSkipper skip)
    {
        int count = ReadCount(ref reader, compact, nullable, minElementBytes);
        for (int i = 0; i < count; i++)
        {
            skip(ref reader, version);
        }
    }

    private static int ReadCount(ref WireReader reader, bool compact, bool nullable, int minElementBytes)
    {
        // An element that takes no bytes at all would let a count of any size pass.
        int count = reader.ReadArrayCount(compact, Math.Max(minElementBytes, 1));
        return count >= 0 || nullable ? count : throw new ProtocolException("An array that must not be null is null");
    }
}
