using System.Buffers;

namespace Broker.Protocol.Records;

/// <summary>
/// Pooled bytes that grow as they are written and stop at a cap: what decompression writes to, so that a small hostile input cannot fill memory.
/// The owner disposes it, which gives the memory back. Not thread-safe.
/// </summary>
public sealed class BoundedBuffer : IBufferWriter<byte>, IDisposable
{
    private const int FirstSize = 4 * 1024;

    private readonly int _maxBytes;
    private byte[] _bytes = [];

    public BoundedBuffer(int maxBytes) => _maxBytes = maxBytes;

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Memory => WrittenMemory;

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    internal Memory<byte> WrittenMemory => _bytes.AsMemory(0, Length);

    internal Span<byte> WrittenSpan => _bytes.AsSpan(0, Length);

    /// <summary>How much may still be written.</summary>
    internal int Headroom => _maxBytes - Length;

    /// <summary>
    /// Room for at least <paramref name="bytes"/> more. The room may reach past the cap, by as much as the caller asks: only what is used of it counts,
    /// when it is said to <see cref="Advance"/>.
    /// </summary>
    public Span<byte> Reserve(int bytes)
    {
        Grow(bytes);
        return _bytes.AsSpan(Length);
    }

    /// <exception cref="InvalidRecordsException">The cap is passed.</exception>
    public void Advance(int count)
    {
        if (count > Headroom)
        {
            throw TooLarge();
        }

        Length += count;
    }

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        Grow(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(Length);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => Reserve(Math.Max(sizeHint, 1));

    /// <summary>Takes everything a decompressing stream gives.</summary>
    public void Fill(Stream stream)
    {
        while (true)
        {
            // At the cap one more byte is asked for, to tell a stream that ends here from one that goes on.
            Span<byte> room = Reserve(1);
            int read = stream.Read(room[..(int)Math.Min(room.Length, (long)Headroom + 1)]);
            if (read == 0)
            {
                return;
            }

            Advance(read);
        }
    }

    public void Dispose()
    {
        Return();
        _bytes = [];
        Length = 0;
    }

    internal InvalidRecordsException TooLarge() => new($"The compressed records expand to more than the {_maxBytes} bytes allowed");

    private void Grow(int bytes)
    {
        if (_bytes.Length - Length >= bytes)
        {
            return;
        }

        long needed = (long)Length + bytes;
        if (needed > Array.MaxLength)
        {
            throw TooLarge();
        }

        long size = Math.Max(needed, Math.Min(Math.Max(2L * _bytes.Length, FirstSize), Array.MaxLength));
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)size);
        Span.CopyTo(larger);
        Return();
        _bytes = larger;
    }

    private void Return()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }
    }
}
