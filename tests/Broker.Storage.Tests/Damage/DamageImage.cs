using System.Globalization;
using System.Text;
using Broker.Protocol;

namespace Broker.Storage.Tests;

/// <summary>A log directory at rest: its disk, whether it was stopped cleanly, and what it holds.</summary>
internal sealed class DamageImage
{
    public DamageImage(string name, SimulatedDisk disk, DamageWorld world, bool isChanged)
    {
        Name = name;
        Disk = disk;
        World = world;
        IsChanged = isChanged;
        IsClean = disk.Exists($"{DamageWorld.Root}/{LogDirectory.CleanShutdownMarker}");
        RecoveryPoints = ReadOffsets(OffsetCheckpoint.RecoveryPoints);
        HighWatermarks = ReadOffsets(OffsetCheckpoint.HighWatermarks);
        SimulatedDisk copy = disk.Copy();
        using CapturedLog log = new();
        LogManager manager = world.Open(copy, log, isChanged);
        foreach (PartitionLog partition in manager.Logs)
        {
            partition.AdvanceHighWatermark(long.MaxValue);
            Held[partition.TopicPartition] = DamageReader.ReadAll(copy, partition, null, new Random(0));
        }

        manager.Abandon();
    }

    public string Name { get; }

    public SimulatedDisk Disk { get; }

    public DamageWorld World { get; }

    public bool IsClean { get; }

    /// <summary>Whether the topic that was compacted is not any more.</summary>
    public bool IsChanged { get; }

    public Dictionary<TopicPartition, long> RecoveryPoints { get; }

    public Dictionary<TopicPartition, long> HighWatermarks { get; }

    /// <summary>What a start without damage serves.</summary>
    public Dictionary<TopicPartition, HeldLog> Held { get; } = [];

    /// <summary>Whether a start without damage looks at every batch of a segment.</summary>
    public bool IsScanned(TopicPartition tp, long baseOffset)
    {
        long first = long.MinValue;
        foreach (string file in Disk.AllFiles())
        {
            if (file.StartsWith($"{DamageWorld.Root}/{tp}/", StringComparison.Ordinal)
                && Path.GetFileName(file) is var name && LogFileNames.BaseOffsetOf(name) is var other && other >= 0
                && (name.EndsWith(LogFileNames.Log, StringComparison.Ordinal) || name.EndsWith(LogFileNames.Log + LogFileNames.Swap, StringComparison.Ordinal))
                && other <= RecoveryPoints.GetValueOrDefault(tp))
            {
                first = Math.Max(first, other);
            }
        }

        return !IsClean && baseOffset >= first;
    }

    private Dictionary<TopicPartition, long> ReadOffsets(string name)
    {
        Dictionary<TopicPartition, long> offsets = [];
        string path = $"{DamageWorld.Root}/{name}";
        foreach (string line in Disk.Exists(path) ? Encoding.UTF8.GetString(Disk.ReadAll(path)).Split('\n').Skip(2) : [])
        {
            if (line.Split(' ') is [var topic, var partition, var offset])
            {
                offsets[new TopicPartition(topic, int.Parse(partition, CultureInfo.InvariantCulture))] = long.Parse(offset, CultureInfo.InvariantCulture);
            }
        }

        return offsets;
    }
}
