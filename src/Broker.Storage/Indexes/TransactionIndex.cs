using System.Buffers.Binary;

namespace Broker.Storage;

/// <summary>
/// Aborted transactions of one segment, by the offset of their marker; NNN.txnindex exists only when there are some. Read whole when asked: it is small. Written like the
/// other indexes at flush, roll and close, so that a marker in the log never waits for room for its entry. Changed under the log's lock; readers take the index's own.
/// </summary>
internal sealed class TransactionIndex
{
    public const int EntrySize = 34;
    private const short Version = 0;

    private readonly LogFiles _files;
    private readonly Lock _lock = new();
    private string _path;
    private List<AbortedTransaction>? _entries;
    private volatile bool _needsCheck;
    private int _fromFile;

    // Entries in the file, and whether those are all.
    private int _written;
    private volatile bool _hasUnwritten;

    public TransactionIndex(LogFiles files, string path)
    {
        _files = files;
        _path = path;
    }

    public bool HasUnwritten => _hasUnwritten;

    public void MovedTo(string path)
    {
        lock (_lock)
        {
            _path = path;
        }
    }

    /// <summary>Held while the entries are being held against the log: whoever comes second waits for the outcome.</summary>
    public Lock Checking { get; } = new();

    /// <summary>
    /// True for entries that were read from the file and not held against the log yet; for a file that cannot be an index there are none until
    /// <see cref="Correct"/> brings them.
    /// </summary>
    public bool NeedsCheck
    {
        get
        {
            lock (_lock)
            {
                Load();
                return _needsCheck;
            }
        }
    }

    /// <summary>False when the bytes read from the file cannot be entries.</summary>
    public bool IsSound { get; private set; } = true;

    /// <summary>The entries fit the log.</summary>
    public void Trust() => _needsCheck = false;

    /// <summary>Those that were read from the file.</summary>
    public AbortedTransaction[] FromFile()
    {
        lock (_lock)
        {
            return [.. Load().GetRange(0, _fromFile)];
        }
    }

    /// <summary>Puts what the log says in the place of what was read from a damaged file.</summary>
    public void Correct(IReadOnlyList<AbortedTransaction> right)
    {
        lock (_lock)
        {
            List<AbortedTransaction> entries = [.. right, .. Load().Skip(_fromFile)];
            byte[] bytes = new byte[entries.Count * EntrySize];
            for (int i = 0; i < entries.Count; i++)
            {
                Encode(entries[i], bytes.AsSpan(i * EntrySize));
            }

            _entries = entries;
            _fromFile = right.Count;
            IsSound = true;
            _needsCheck = false;
            _written = 0;
            _hasUnwritten = true;
            try
            {
                _files.Replace(_path, bytes, durable: true);
                _written = entries.Count;
                _hasUnwritten = false;
            }
            catch (DiskFullException)
            {
                // Right in memory; the next start finds the file as it is and does this again.
            }
        }
    }

    public void Append(AbortedTransaction entry)
    {
        lock (_lock)
        {
            Load().Add(entry);
            _hasUnwritten = true;
        }
    }

    /// <summary>Brings the file up to date.</summary>
    public void Write(bool durable)
    {
        lock (_lock)
        {
            if (_hasUnwritten)
            {
                WriteRest(_entries!);
            }

            if (durable && _files.Exists(_path))
            {
                using var file = _files.Open(_path, create: false);
                _files.Flush(file);
            }
        }
    }

    public AbortedTransaction[] ToArray()
    {
        lock (_lock)
        {
            return [.. Load()];
        }
    }

    /// <summary>Drops the entries of markers at or above the offset; everything when recovery is about to rebuild.</summary>
    public void TruncateTo(long offset)
    {
        lock (_lock)
        {
            List<AbortedTransaction> entries = Load();
            int keep = entries.Count;
            while (keep > 0 && entries[keep - 1].LastOffset >= offset)
            {
                keep--;
            }

            entries.RemoveRange(keep, entries.Count - keep);
            _written = Math.Min(_written, keep);
            _fromFile = Math.Min(_fromFile, keep);
            _hasUnwritten = _written < keep;
            if (keep == 0)
            {
                IsSound = true;
                _needsCheck = false;
            }

            if (_files.Exists(_path))
            {
                using var file = _files.Open(_path, create: false);
                _files.SetLength(file, (long)_written * EntrySize);
            }
        }
    }

    private List<AbortedTransaction> Load()
    {
        if (_entries is not null)
        {
            return _entries;
        }

        List<AbortedTransaction> entries = [];
        if (_files.Exists(_path))
        {
            byte[] bytes = _files.ReadAll(_path);
            _needsCheck = bytes.Length > 0;
            IsSound = TryDecode(bytes, entries);
        }

        _written = _fromFile = entries.Count;
        return _entries = entries;
    }

    private void WriteRest(List<AbortedTransaction> entries)
    {
        byte[] bytes = new byte[(entries.Count - _written) * EntrySize];
        for (int i = _written; i < entries.Count; i++)
        {
            Encode(entries[i], bytes.AsSpan((i - _written) * EntrySize));
        }

        using var file = _files.Open(_path, create: true);
        _files.Write(file, bytes, (long)_written * EntrySize);
        _written = entries.Count;
        _hasUnwritten = false;
    }

    /// <summary>Version, the order of the markers, and what must hold between the offsets of each entry. Nothing else in the file tells that it is damaged.</summary>
    private static bool TryDecode(ReadOnlySpan<byte> bytes, List<AbortedTransaction> entries)
    {
        AbortedTransaction previous = new(-1, -1, -1, -1);
        for (int at = 0; at < bytes.Length; at += EntrySize)
        {
            bool isWhole = bytes.Length - at >= EntrySize && BinaryPrimitives.ReadInt16BigEndian(bytes[at..]) == Version;
            AbortedTransaction entry = isWhole ? Decode(bytes[at..]) : default;
            if (!isWhole || entry.ProducerId < 0 || entry.FirstOffset < 0 || entry.FirstOffset >= entry.LastOffset || entry.LastOffset <= previous.LastOffset
                || entry.LastStableOffset < previous.LastStableOffset || entry.LastStableOffset > entry.LastOffset + 1 || entry.FirstOffset < previous.LastStableOffset)
            {
                entries.Clear();
                return false;
            }

            entries.Add(entry);
            previous = entry;
        }

        return true;
    }

    private static void Encode(AbortedTransaction entry, Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt16BigEndian(bytes, Version);
        BinaryPrimitives.WriteInt64BigEndian(bytes[2..], entry.ProducerId);
        BinaryPrimitives.WriteInt64BigEndian(bytes[10..], entry.FirstOffset);
        BinaryPrimitives.WriteInt64BigEndian(bytes[18..], entry.LastOffset);
        BinaryPrimitives.WriteInt64BigEndian(bytes[26..], entry.LastStableOffset);
    }

    private static AbortedTransaction Decode(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadInt64BigEndian(bytes[2..]),
        BinaryPrimitives.ReadInt64BigEndian(bytes[10..]),
        BinaryPrimitives.ReadInt64BigEndian(bytes[18..]),
        BinaryPrimitives.ReadInt64BigEndian(bytes[26..]));
}
