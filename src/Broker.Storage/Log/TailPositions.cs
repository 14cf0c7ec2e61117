using System.Runtime.CompilerServices;

namespace Broker.Storage;

/// <summary>
/// The last batches of an active segment, so that consumers at the tail need neither index nor scan. One writer; readers copy without a lock and retry or
/// give up when the writer was at work (a sequence lock).
/// </summary>
internal sealed class TailPositions
{
    private const int Capacity = 32;

    // Made with the first batch: thousands of logs never get one.
    private volatile BatchPosition[]? _ring;
    private int _version;
    private int _count;

    public void Add(BatchPosition batch)
    {
        BatchPosition[] ring = _ring ??= new BatchPosition[Capacity];
        BeginChange();
        ring[_count % Capacity] = batch;
        _count++;
        EndChange();
    }

    public void Clear()
    {
        BeginChange();
        _count = 0;
        EndChange();
    }

    /// <summary>The remembered batch that holds the offset.</summary>
    public bool TryFind(long offset, out BatchPosition found)
    {
        int version = Volatile.Read(ref _version);
        found = default;
        bool isFound = false;
        int count = _count;
        BatchPosition[] ring = _ring ?? [];
        for (int i = count - 1; i >= 0 && i >= count - Capacity && ring.Length > 0; i--)
        {
            BatchPosition batch = ring[i % Capacity];
            if (batch.BaseOffset <= offset)
            {
                found = batch;
                isFound = batch.LastOffset >= offset;
                break;
            }
        }

        return isFound && IsUnchanged(version);
    }

    /// <summary>Position where the bytes below <paramref name="offset"/> end, for an offset that is a boundary between remembered batches or right after the last.</summary>
    public bool TryFindEnd(long offset, out int position)
    {
        int version = Volatile.Read(ref _version);
        position = 0;
        bool isFound = false;
        int count = _count;
        BatchPosition[] ring = _ring ?? [];
        for (int i = count - 1; i >= 0 && i >= count - Capacity && ring.Length > 0; i--)
        {
            BatchPosition batch = ring[i % Capacity];
            if (batch.LastOffset < offset)
            {
                // A boundary only if the next batch does not start earlier: offsets have no gaps at the tail of a log that is not compacted.
                position = batch.End;
                isFound = batch.LastOffset + 1 == offset;
                break;
            }
        }

        return isFound && IsUnchanged(version);
    }

    private bool IsUnchanged(int version)
    {
        Interlocked.MemoryBarrier();
        return (version & 1) == 0 && Volatile.Read(ref _version) == version;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void BeginChange()
    {
        _version++;
        Interlocked.MemoryBarrier();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EndChange() => Volatile.Write(ref _version, _version + 1);
}
