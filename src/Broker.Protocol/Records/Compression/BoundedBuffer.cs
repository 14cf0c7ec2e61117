using System.Buffers;

namespace Broker.Protocol.Records;

/// <summary>
/// Pooled bytes that grow as they are written and stop at a cap: what decompression writes to, so that a small hostile input cannot fill memory.
/// The owner disposes it, which gives the memory back.
/// </summary>
public sealed class BoundedBuffer : IDisposable
{
    private const int FirstSize = 16 * 1024;

    private readonly int _maxBytes;
    private byte[] _bytes = [];

    public BoundedBuffer(int maxBytes) => _maxBytes = maxBytes;

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    /// <summary>Room for at least <paramref name="bytes"/> more; what is used of it is said to <see cref="Advance"/>.</summary>
    /// <exception cref="InvalidRecordsException">The cap would be passed.</exception>
    public Span<byte> Reserve(int bytes)
    {
        if (bytes > _maxBytes - Length)
        {
            throw TooLarge();
        }

        if (_bytes.Length - Length < bytes)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(Math.Max(FirstSize, 2L * _bytes.Length), (long)Length + bytes), Array.MaxLength));
            Span.CopyTo(larger);
            Return();
            _bytes = larger;
        }

        return _bytes.AsSpan(Length);
    }

    public void Advance(int bytes) => Length += bytes;

    /// <summary>Takes everything a decompressing stream gives.</summary>
    public void Fill(Stream stream)
    {
        Span<byte> beyond = stackalloc byte[1];
        while (true)
        {
            // At the cap one more byte is asked for, to tell a stream that ends here from one that goes on.
            Span<byte> room = Length < _maxBytes ? Reserve(1) : beyond;
            int read = stream.Read(room[..Math.Min(room.Length, Math.Max(_maxBytes - Length, 1))]);
            if (read == 0)
            {
                return;
            }

            if (Length == _maxBytes)
            {
                throw TooLarge();
            }

            Length += read;
        }
    }

    public void Dispose()
    {
        Return();
        _bytes = [];
        Length = 0;
    }

    private void Return()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }
    }

    private InvalidRecordsException TooLarge() => new($"The compressed records expand to more than the {_maxBytes} bytes allowed");
}
