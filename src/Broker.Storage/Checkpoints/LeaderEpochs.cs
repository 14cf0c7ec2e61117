using System.Globalization;

namespace Broker.Storage;

internal readonly record struct EpochEntry(int Epoch, long StartOffset);

/// <summary>
/// Where each leader epoch starts in one log, kept in leader-epoch-checkpoint. Changed under the log's lock, read without one: the entries are an
/// immutable array that a change replaces. The file follows when the log is flushed or closed, not on a change: recovery takes what lies above the recovery point from the
/// batches, and a file that is only ever replaced durably is never torn.
/// </summary>
internal sealed class LeaderEpochs
{
    private readonly LogFiles _files;
    private readonly Lock _writing = new();
    private string _path;
    private volatile EpochEntry[] _entries;
    private volatile EpochEntry[]? _written;

    public LeaderEpochs(LogFiles files, string directory)
    {
        _files = files;
        _path = Path.Combine(directory, LogFileNames.LeaderEpochs);
        _entries = ReadFile();
        _written = _entries;
    }

    private LeaderEpochs(LogFiles files, string directory, EpochEntry[] entries)
    {
        _files = files;
        _path = Path.Combine(directory, LogFileNames.LeaderEpochs);
        _entries = entries;
        _written = entries;
    }

    /// <summary>Nothing is known, and nothing is read or written for it.</summary>
    public static LeaderEpochs None(LogFiles files, string directory) => new(files, directory, []);

    public int Latest => _entries is { Length: > 0 } entries ? entries[^1].Epoch : -1;

    public ReadOnlySpan<EpochEntry> Entries => _entries;

    public void MovedTo(string directory) => _path = Path.Combine(directory, LogFileNames.LeaderEpochs);

    /// <summary>False when the file is missing or empty, which only a new log or one from before epochs may have.</summary>
    public bool HasFile { get; private set; }

    /// <summary>Takes the epoch of a batch; entries that contradict it (a later start or a higher epoch) go.</summary>
    public void Assign(int epoch, long startOffset)
    {
        EpochEntry[] entries = _entries;
        if (epoch < 0 || (entries.Length > 0 && entries[^1].Epoch == epoch && startOffset >= entries[^1].StartOffset))
        {
            return;
        }

        int keep = entries.Length;
        while (keep > 0 && (entries[keep - 1].Epoch >= epoch || entries[keep - 1].StartOffset >= startOffset))
        {
            keep--;
        }

        Set([.. entries.AsSpan(0, keep), new EpochEntry(epoch, startOffset)]);
    }

    /// <summary>For scans of the log, in order: a batch of an epoch that is not known yet.</summary>
    public void AssignIfNewer(int epoch, long startOffset)
    {
        if (epoch > Latest)
        {
            Assign(epoch, startOffset);
        }
    }

    public void TruncateFromEnd(long endOffset)
    {
        EpochEntry[] entries = _entries;
        int keep = entries.Length;
        while (keep > 0 && entries[keep - 1].StartOffset >= endOffset)
        {
            keep--;
        }

        if (keep < entries.Length)
        {
            Set(entries[..keep]);
        }
    }

    /// <summary>Drops what lies below the log start offset; the epoch that holds it starts there from now on.</summary>
    public void TruncateFromStart(long startOffset)
    {
        EpochEntry[] entries = _entries;
        int below = 0;
        while (below < entries.Length && entries[below].StartOffset <= startOffset)
        {
            below++;
        }

        if (below == 0 || (below == 1 && entries[0].StartOffset == startOffset))
        {
            return;
        }

        Set([new EpochEntry(entries[below - 1].Epoch, startOffset), .. entries.AsSpan(below)]);
    }

    /// <summary>The answer of OffsetForLeaderEpoch.</summary>
    public (int Epoch, long EndOffset) EndOffsetFor(int requested, long logEndOffset)
    {
        EpochEntry[] entries = _entries;
        if (requested < 0 || entries.Length == 0 || requested > entries[^1].Epoch)
        {
            return (-1, -1);
        }

        if (requested == entries[^1].Epoch)
        {
            return (requested, logEndOffset);
        }

        int higher = 0;
        while (entries[higher].Epoch <= requested)
        {
            higher++;
        }

        // Older than anything known: the epoch asked for ends where the first known one starts.
        return (higher == 0 ? requested : entries[higher - 1].Epoch, entries[higher].StartOffset);
    }

    public int EpochFor(long offset)
    {
        EpochEntry[] entries = _entries;
        for (int i = entries.Length - 1; i >= 0; i--)
        {
            if (entries[i].StartOffset <= offset)
            {
                return entries[i].Epoch;
            }
        }

        return -1;
    }

    /// <summary>Nothing is known: the log is about to be scanned from its start.</summary>
    public void Clear() => Set([]);

    /// <summary>
    /// Before the recovery point may pass batches: what the file says of them is not rebuilt below it. With or without the log's lock: who comes last writes the newest
    /// entries, so that appends need not wait for a disk that is being flushed.
    /// </summary>
    public void Flush(bool durable)
    {
        if (_written == _entries)
        {
            return;
        }

        lock (_writing)
        {
            EpochEntry[] entries = _entries;
            _files.Replace(_path, Compose(entries), durable);
            HasFile = true;
            if (durable)
            {
                _written = entries;
            }
        }
    }

    /// <summary>Puts them into a directory that the log is about to move to.</summary>
    public void WriteTo(string directory) => _files.Replace(Path.Combine(directory, LogFileNames.LeaderEpochs), Compose(_entries), durable: true);

    /// <summary>
    /// At a clean stop: an epoch in which nothing was written is not worth a file. The leader's next epoch takes its place, and for thousands of idle logs it would be
    /// thousands of files at every stop.
    /// </summary>
    public void FlushWritten(long endOffset, bool durable)
    {
        if (!Below(_entries, endOffset).SequenceEqual(Below(_written, endOffset)))
        {
            Flush(durable);
        }
    }

    private static ReadOnlySpan<EpochEntry> Below(ReadOnlySpan<EpochEntry> entries, long offset)
    {
        while (entries.Length > 0 && entries[^1].StartOffset >= offset)
        {
            entries = entries[..^1];
        }

        return entries;
    }

    private static byte[] Compose(EpochEntry[] entries) =>
        CheckpointFile.Compose([.. entries.Select(static e => string.Create(CultureInfo.InvariantCulture, $"{e.Epoch} {e.StartOffset}"))]);

    private void Set(EpochEntry[] entries) => _entries = entries;

    private EpochEntry[] ReadFile()
    {
        string[]? lines = CheckpointFile.ReadLines(_files, _path);
        if (lines is null)
        {
            return [];
        }

        HasFile = true;
        EpochEntry[] entries = new EpochEntry[lines.Length];
        for (int i = 0; i < lines.Length; i++)
        {
            string[] parts = lines[i].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length != 2
                || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int epoch)
                || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long start))
            {
                throw new InvalidDataException($"Malformed line in checkpoint file ({_path}): {lines[i]}");
            }

            if (i > 0 && (epoch <= entries[i - 1].Epoch || start <= entries[i - 1].StartOffset))
            {
                throw new InvalidDataException($"Checkpoint file {_path} is out of order: '{lines[i]}' follows '{lines[i - 1]}'");
            }

            entries[i] = new EpochEntry(epoch, start);
        }

        return entries;
    }
}
