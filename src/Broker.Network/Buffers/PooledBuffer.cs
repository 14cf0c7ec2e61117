using System.Buffers;
using System.Runtime.InteropServices;

namespace Broker.Network;

/// <summary>
/// Page-aligned native memory with a reference count. Rented with one reference; whoever shares it adds one; the last <see cref="Release"/> returns it to its pool.
/// The memory must not be touched after one's own reference is released. The object is reused together with its memory.
/// There is no finalizer: memory that is never released is a defect, and <see cref="BufferPool.RentedBytes"/> shows it.
/// </summary>
public sealed unsafe class PooledBuffer : MemoryManager<byte>
{
    private byte* _memory;
    private int _references;
    private OutboundFrame? _frame;

    internal PooledBuffer(int capacity, BufferSizeClass? sizeClass)
    {
        Capacity = capacity;
        SizeClass = sizeClass;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(capacity, 1), BufferPool.PageBytes);
    }

    public int Capacity { get; }

    internal BufferSizeClass? SizeClass { get; }

    /// <summary>The outbound view of this buffer; one object per buffer, so that a response allocates nothing.</summary>
    internal OutboundFrame Frame => _frame ??= new OutboundFrame(this);

    internal bool IsShared => Volatile.Read(ref _references) > 1;

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_references <= 0, this);
        return new Span<byte>(_memory, Capacity);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ObjectDisposedException.ThrowIf(_references <= 0, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)Capacity);
        return new MemoryHandle(_memory + elementIndex);
    }

    public override void Unpin()
    {
        // Native memory does not move.
    }

    /// <summary>Adds a reference; the caller must hold one already.</summary>
    public void AddReference() => Interlocked.Increment(ref _references);

    /// <summary>Gives one reference back; the last one returns the memory to the pool.</summary>
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        if (left == 0)
        {
            BufferPool.Return(this);
        }
        else if (left < 0)
        {
            throw new InvalidOperationException("A pooled buffer was released more often than it was referenced.");
        }
    }

    internal void Activate() => Volatile.Write(ref _references, 1);

    internal void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }

    protected override void Dispose(bool disposing) => Release();
}
