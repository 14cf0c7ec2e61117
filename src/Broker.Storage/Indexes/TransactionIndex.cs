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
            _hasUnwritten = _written < keep;
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

            // A torn last entry is left out: its marker lies above the recovery point and recovery wrote it again.
            for (int at = 0; at + EntrySize <= bytes.Length; at += EntrySize)
            {
                entries.Add(Decode(bytes.AsSpan(at)));
            }
        }

        _written = entries.Count;
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
