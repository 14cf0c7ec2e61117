using System.Globalization;
using Broker.Protocol;

namespace Broker.Storage;

/// <summary>
/// One of a log directory's offset checkpoints (lines "topic partition offset"). An unchanged checkpoint is not written again. Thread-safe.
/// </summary>
internal sealed class OffsetCheckpoint
{
    public const string RecoveryPoints = "recovery-point-offset-checkpoint";
    public const string HighWatermarks = "replication-offset-checkpoint";
    public const string CleanerOffsets = "cleaner-offset-checkpoint";
    public const string LogStartOffsets = "log-start-offset-checkpoint";

    private readonly LogFiles _files;
    private readonly string _path;
    private readonly Lock _lock = new();
    private Dictionary<TopicPartition, long> _entries = [];
    private byte[]? _written;

    public OffsetCheckpoint(LogFiles files, string directory, string name)
    {
        _files = files;
        _path = Path.Combine(directory, name);
    }

    public string FilePath => _path;

    public Dictionary<TopicPartition, long> Read()
    {
        Dictionary<TopicPartition, long> offsets = [];
        foreach (string line in CheckpointFile.ReadLines(_files, _path) ?? [])
        {
            string[] parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length != 3
                || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int partition)
                || !long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out long offset))
            {
                throw new InvalidDataException($"Malformed line in checkpoint file ({_path}): {line}");
            }

            offsets[new TopicPartition(parts[0], partition)] = offset;
        }

        _entries = offsets;
        return offsets;
    }

    /// <summary>Removes the entry of a partition whose log is about to be made anew.</summary>
    public void Forget(TopicPartition tp)
    {
        lock (_lock)
        {
            if (_entries.Remove(tp))
            {
                Write(_entries);
            }
        }
    }

    /// <summary>Lowers (never raises) the entry of a partition at once: its log was cut below it.</summary>
    public void Lower(TopicPartition tp, long offset)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(tp, out long known) && known > offset)
            {
                _entries[tp] = offset;
                Write(_entries);
            }
        }
    }

    /// <summary>Raises (never lowers) the entry of a partition at once.</summary>
    public void Raise(TopicPartition tp, long offset)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(tp, out long known) || known < offset)
            {
                _entries[tp] = offset;
                Write(_entries);
            }
        }
    }

    public void Write(IReadOnlyCollection<KeyValuePair<TopicPartition, long>> offsets)
    {
        lock (_lock)
        {
            List<string> lines = new(offsets.Count);
            foreach ((TopicPartition tp, long offset) in offsets)
            {
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"{tp.Topic} {tp.Partition} {offset}"));
            }

            lines.Sort(StringComparer.Ordinal);
            byte[] bytes = CheckpointFile.Compose(lines);
            if (_written is not null && bytes.AsSpan().SequenceEqual(_written))
            {
                return;
            }

            _files.Replace(_path, bytes, durable: true);
            _written = bytes;
            _entries = new Dictionary<TopicPartition, long>(offsets);
        }
    }
}
