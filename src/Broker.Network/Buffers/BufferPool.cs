namespace Broker.Network;

/// <summary>
/// Page-aligned native memory in size classes for frames in both directions. Thread-safe, process-wide; every rented byte is accounted for.
/// </summary>
public static class BufferPool
{
    /// <summary>The smallest size class: one page, what the first bytes of a connection cost.</summary>
    public const int PageBytes = 4096;

    // Powers of four plus a page: batch sizes that people configure are round numbers, and a frame is a batch plus its header.
    // The caches together stay below 40 MiB; what one sweep period did not need is given back (Trim).
    private static readonly BufferSizeClass[] Classes =
    [
        new(PageBytes, maxCached: 1024),
        new((16 * 1024) + PageBytes, maxCached: 256),
        new((64 * 1024) + PageBytes, maxCached: 128),
        new((256 * 1024) + PageBytes, maxCached: 32),
        new(LargestCachedBytes, maxCached: 12),
    ];

    private static long _rentedBytes;

    /// <summary>Capacity of all buffers that are rented now.</summary>
    public static long RentedBytes => Volatile.Read(ref _rentedBytes);

    /// <summary>Capacity of all buffers that wait in the caches.</summary>
    public static long CachedBytes
    {
        get
        {
            long sum = 0;
            foreach (BufferSizeClass sizeClass in Classes)
            {
                sum += sizeClass.CachedBytes;
            }

            return sum;
        }
    }

    /// <summary>Capacity of the largest class; a bigger buffer is allocated to its exact size (in pages) and freed on return.</summary>
    internal const int LargestCachedBytes = (1024 * 1024) + (16 * PageBytes);

    /// <summary>Rents at least <paramref name="minBytes"/> bytes, uninitialised; the caller owns one reference.</summary>
    public static PooledBuffer Rent(int minBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minBytes);
        PooledBuffer? buffer = null;
        BufferSizeClass? sizeClass = ClassFor(minBytes);
        buffer = sizeClass is null ? new PooledBuffer(RoundToPages(minBytes), null) : sizeClass.Take();
        buffer.Activate();
        Interlocked.Add(ref _rentedBytes, buffer.Capacity);
        return buffer;
    }

    /// <summary>Gives back to the system what the caches held unused since the last call. Called by a coarse timer.</summary>
    public static void Trim()
    {
        foreach (BufferSizeClass sizeClass in Classes)
        {
            sizeClass.Trim();
        }
    }

    internal static void Return(PooledBuffer buffer)
    {
        Interlocked.Add(ref _rentedBytes, -buffer.Capacity);
        if (buffer.SizeClass is not { } sizeClass || !sizeClass.Put(buffer))
        {
            buffer.Free();
        }
    }

    private static int RoundToPages(int bytes) => bytes > int.MaxValue - PageBytes ? bytes : (bytes + PageBytes - 1) & ~(PageBytes - 1);

    private static BufferSizeClass? ClassFor(int bytes)
    {
        foreach (BufferSizeClass sizeClass in Classes)
        {
            if (bytes <= sizeClass.Bytes)
            {
                return sizeClass;
            }
        }

        return null;
    }
}
