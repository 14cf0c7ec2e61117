namespace Broker.Network.Tests;

public sealed class BufferPoolTests
{
    [Theory]
    [InlineData(0, 4096)]
    [InlineData(4096, 4096)]
    [InlineData(4097, 20480)]
    [InlineData(256 * 1024, 266240)]
    [InlineData(1024 * 1024, 1114112)]
    [InlineData(1114113, 1118208)]
    public void A_buffer_is_aligned_accounted_for_and_large_enough(int bytes, int capacity)
    {
        long before = BufferPool.RentedBytes;

        PooledBuffer buffer = BufferPool.Rent(bytes);

        Assert.Equal(capacity, buffer.Capacity);
        Assert.Equal(before + capacity, BufferPool.RentedBytes);
        unsafe
        {
            using System.Buffers.MemoryHandle pin = buffer.Memory.Pin();
            Assert.Equal(0, (nint)pin.Pointer % 4096);
        }

        buffer.Release();
        Assert.Equal(before, BufferPool.RentedBytes);
    }

    [Fact]
    public void A_shared_buffer_returns_with_its_last_reference()
    {
        long before = BufferPool.RentedBytes;
        PooledBuffer buffer = BufferPool.Rent(10);
        buffer.AddReference();

        buffer.Release();
        Assert.NotEqual(before, BufferPool.RentedBytes);
        buffer.Memory.Span[0] = 1;

        buffer.Release();
        Assert.Equal(before, BufferPool.RentedBytes);
        Assert.Throws<ObjectDisposedException>(() => buffer.GetSpan());
        Assert.Throws<InvalidOperationException>(buffer.Release);
    }

    [Fact]
    public void The_cache_is_bounded_and_gives_back_what_is_not_used()
    {
        PooledBuffer[] buffers = [.. Enumerable.Range(0, 40).Select(_ => BufferPool.Rent(1024 * 1024))];
        Array.ForEach(buffers, b => b.Release());
        Assert.InRange(BufferPool.CachedBytes, 1, 40 * 1024 * 1024);

        BufferPool.Trim();
        BufferPool.Trim();

        Assert.Equal(0, BufferPool.CachedBytes);
    }
}
