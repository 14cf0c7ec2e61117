namespace Broker.Storage;

/// <summary>
/// Index files carry no checksum. So each entry is held against the batch that it leads to whenever it is used, which costs nothing because that batch is read anyway;
/// an index that is wrong is built again from the batches.
/// </summary>
internal sealed partial class LogSegment
{
    private enum Located
    {
        Found,
        Absent,
        BadEntry,
        Damaged,
    }

    /// <summary>The first batch whose last offset is not below <paramref name="offset"/>. False when there is none below <paramref name="end"/>, the size looked at.</summary>
    /// <exception cref="DamagedSegmentException">The way there leads through bytes that are no batch.</exception>
    public bool TryFind(long offset, out BatchPosition found, out int end)
    {
        end = _size;
        return _tail.TryFind(offset, out found) || TryFind(offset, end, out found);
    }

    /// <summary>
    /// True when <see cref="TryFind(long, out BatchPosition, out int)"/> finds the batch without waiting for a disk: it was appended lately, or the index is loaded, this process wrote
    /// the range, and what lies between the index entries around it is in memory, as far as both ends tell.
    /// </summary>
    public bool IsAtHand(long offset)
    {
        if (_tail.TryFind(offset, out _))
        {
            return true;
        }

        if (_offsets is not { } offsets || _file is not { } file || offsets.Lookup(offset).Position is var from && from < _foreignBytes)
        {
            return false;
        }

        int to = offsets.EntryAtOrAfter(from + 1)?.Position ?? Math.Max(from, _size - 1);
        return _files.IsCached(file, from) && _files.IsCached(file, to);
    }

    /// <summary>Where the batches that lie wholly below <paramref name="offset"/> end.</summary>
    /// <exception cref="DamagedSegmentException">The way there leads through bytes that are no batch.</exception>
    public int EndPositionOf(long offset)
    {
        if (_tail.TryFindEnd(offset, out int position))
        {
            return position;
        }

        return TryFind(offset, out BatchPosition batch, out int end) ? batch.Position : end;
    }

    /// <summary>Where to look for the first record with the timestamp or a later one, at or above an offset.</summary>
    /// <exception cref="DamagedSegmentException">The way there leads through bytes that are no batch.</exception>
    public int StartOfSearch(long timestampMs, long minOffset)
    {
        TimeEntry entry = Times.Lookup(timestampMs);
        if (!Holds(entry))
        {
            Rebuild(LogFileNames.TimeIndex);
            entry = Times.Lookup(timestampMs);
        }

        return EndPositionOf(Math.Max(entry.Offset, minOffset));
    }

    /// <summary>
    /// Holds <see cref="Max"/> against the batches: the one that it names, and those behind the last index entry, which a time index cut at the end knows nothing of.
    /// Before anything is deleted or passed over because of it.
    /// </summary>
    public void CheckMax()
    {
        lock (_sync)
        {
            if (_isMaxChecked)
            {
                return;
            }

            if (_size > 0)
            {
                if (!Holds(Times.Last) || MaxBehindLastEntry() > Times.Last.TimestampMs)
                {
                    Rebuild(LogFileNames.TimeIndex);
                }

                _max = Times.Last;
            }

            _isMaxChecked = true;
        }
    }

    /// <summary>An offset above all that lie before the position, from the next index entry; null when there is none, or none that the log confirms.</summary>
    public long? OffsetBehind(int position)
    {
        if (Offsets.EntryAtOrAfter(position) is not { } entry)
        {
            return null;
        }

        if (entry.Position >= _foreignBytes)
        {
            return entry.Offset;
        }

        Span<byte> header = stackalloc byte[BatchInfo.HeaderSize];
        int read = _files.Read(File, header, entry.Position);
        return BatchInfo.TryParse(header[..read], out BatchInfo batch) && batch.Follows(BaseOffset - 1, BaseOffset) && batch.LastOffset <= entry.Offset ? entry.Offset : null;
    }

    public DamagedSegmentException DamagedAt(long position) => new(PathOf(LogFileNames.Log), position);

    private bool TryFind(long offset, int end, out BatchPosition found)
    {
        Located located = Locate(offset, Offsets.Lookup(offset), end, out BatchInfo batch, out int position);
        if (located == Located.BadEntry && _services.Omits != Omission.IndexEntries)
        {
            Rebuild(LogFileNames.OffsetIndex);
            located = Locate(offset, Offsets.Lookup(offset), end, out batch, out position);
            if (located == Located.BadEntry)
            {
                // The log is what is damaged there, and the index could not be built again from it.
                located = Locate(offset, new IndexEntry(BaseOffset, 0), end, out batch, out position);
            }
        }

        found = located == Located.Found ? new BatchPosition(batch.BaseOffset, batch.LastOffset, position, batch.Size) : default;
        return located is Located.Damaged or Located.BadEntry ? throw DamagedAt(position) : located == Located.Found;
    }

    private Located Locate(long offset, IndexEntry entry, int end, out BatchInfo found, out int position)
    {
        Span<byte> buffer = stackalloc byte[LookupBufferSize];
        BatchScanner scanner = new(_files, File, entry.Position, end, buffer);
        long previous = BaseOffset - 1;
        bool isIndexed = entry.Position > 0;
        while (scanner.MoveNext())
        {
            found = scanner.Current;
            position = (int)scanner.Position;

            // The entry may name a later batch that was appended in one piece with this one, as Kafka has it.
            if (!found.Follows(previous, BaseOffset) || (isIndexed && found.LastOffset > entry.Offset))
            {
                return isIndexed ? Located.BadEntry : Located.Damaged;
            }

            if (found.LastOffset >= offset)
            {
                // An offset that no batch holds, and a gap before a batch, are fine after compaction; else this batch claims too high a base offset, and the next one disproves it.
                bool isBehindGap = found.BaseOffset > offset || (!isIndexed && found.BaseOffset > previous + 1);
                bool isDisproved = isBehindGap && found.Magic >= 2 && scanner.MoveNext() && scanner.Current.BaseOffset <= found.LastOffset;
                return isDisproved ? Located.Damaged : Located.Found;
            }

            previous = found.LastOffset;
            isIndexed = false;
        }

        found = default;
        position = (int)scanner.NextPosition;
        return position == end ? Located.Absent : isIndexed ? Located.BadEntry : Located.Damaged;
    }

    /// <summary>Whether the batch that an entry of the time index names has its timestamp. A damaged log says nothing about its index.</summary>
    private bool Holds(TimeEntry entry)
    {
        if (entry.TimestampMs < 0 || _services.Omits == Omission.IndexEntries)
        {
            return true;
        }

        Located located = Locate(entry.Offset, Offsets.Lookup(entry.Offset), _size, out BatchInfo batch, out _);
        return located switch
        {
            Located.Found => batch.MaxTimestamp == entry.TimestampMs,
            Located.Damaged => true,
            _ => false,
        };
    }

    private long MaxBehindLastEntry()
    {
        Span<byte> buffer = stackalloc byte[LookupBufferSize];
        BatchScanner scanner = new(_files, File, Offsets.Lookup(long.MaxValue).Position, _size, buffer);
        long max = -1;
        while (scanner.MoveNext())
        {
            max = scanner.Current.HasRecords ? Math.Max(max, scanner.Current.MaxTimestamp) : max;
        }

        return max;
    }
}
