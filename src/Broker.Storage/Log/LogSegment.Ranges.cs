namespace Broker.Storage;

/// <summary>
/// A range of batches goes from the file to the socket unseen, and no checksum covers a batch's offset. So the headers of a range are walked through before it is
/// given out for the first time, unless this process wrote or scanned it: what an earlier one left may have been damaged since.
/// </summary>
internal sealed partial class LogSegment
{
    // From the file's start, neither written nor scanned by this process.
    private volatile int _foreignBytes;

    // The part of it whose headers were walked through: where it starts, and in the lower half where it ends. Readers go on where others ended.
    private long _walked;

    /// <summary>What an earlier process left and this one has not scanned: so many bytes from the file's start. Never grows.</summary>
    public int ForeignBytes => _foreignBytes;

    /// <summary>How much of a range may be given out: all, or what lies before a batch that cannot be there.</summary>
    /// <param name="first">The batch that the range begins with.</param>
    /// <param name="length">Of the range; it may end within a batch.</param>
    /// <param name="limit">Where the next segment starts.</param>
    /// <exception cref="DamagedSegmentException">It is the first batch.</exception>
    public int SoundLength(in BatchPosition first, int length, long limit)
    {
        int end = Math.Min(first.Position + length, _foreignBytes);
        long walked = Volatile.Read(ref _walked);
        if (end <= first.Position || (first.Position >= (int)(walked >> 32) && end <= (int)walked))
        {
            return length;
        }

        int sound = Walk(first, end, limit, out bool isDamaged);
        if (!isDamaged)
        {
            Remember(first.Position, sound);
            return length;
        }

        return sound > first.Position ? Math.Min(length, sound - first.Position) : throw DamagedAt(sound);
    }

    /// <summary>Where the first batch behind the range starts, or the one that is damaged.</summary>
    private int Walk(in BatchPosition first, int end, long limit, out bool isDamaged)
    {
        Span<byte> buffer = stackalloc byte[LookupBufferSize];
        int size = _size;
        BatchScanner scanner = new(_files, File, first.Position, size, buffer);
        BatchInfo before = default;
        int positionBefore = first.Position;
        bool isBehindGap = false;
        long previous = first.BaseOffset - 1;
        isDamaged = true;
        while (scanner.MoveNext())
        {
            if (!scanner.Current.Follows(previous, BaseOffset))
            {
                // Of two that contradict each other, the one that no gap led to is right.
                return isBehindGap ? positionBefore : (int)scanner.Position;
            }

            if (scanner.Position >= end)
            {
                isDamaged = false;
                return (int)scanner.Position;
            }

            isBehindGap = scanner.Current.Magic >= 2 && scanner.Current.BaseOffset > previous + 1;
            before = scanner.Current;
            positionBefore = (int)scanner.Position;
            previous = before.LastOffset;
        }

        if (scanner.NextPosition == size && before.LastOffset >= limit)
        {
            return positionBefore;
        }

        isDamaged = scanner.NextPosition < size;
        return (int)scanner.NextPosition;
    }

    private void Remember(int from, int to)
    {
        long walked = Volatile.Read(ref _walked);
        int knownFrom = (int)(walked >> 32);
        int knownTo = (int)walked;
        if (from <= knownTo && to >= knownFrom)
        {
            from = Math.Min(from, knownFrom);
            to = Math.Max(to, knownTo);
        }

        // Should two readers meet here, one walk is forgotten and done again.
        Volatile.Write(ref _walked, ((long)from << 32) | (uint)to);
    }
}
