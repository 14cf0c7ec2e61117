using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

internal enum DamageKind
{
    Flip,
    Truncate,
    Remove,
}

/// <summary>One damage of one file, and what of the directory's content may suffer from it.</summary>
internal sealed class DamagePoint
{
    private DamagePoint(DamageImage image, string path, DamageKind kind, int at, int bit)
    {
        Image = image;
        Path = path;
        Kind = kind;
        At = at;
        Bit = bit;
        string name = System.IO.Path.GetFileName(path);
        string directory = System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(path)!);
        if (LogFileNames.TryParseDirectory(directory, out TopicPartition partition))
        {
            Partition = partition;
        }

        FileKind = name[..1] is "0" ? name[20..] : name;
        SegmentBase = LogFileNames.BaseOffsetOf(name);
        if (IsLog)
        {
            FindBatch(image.Disk.ReadAll(path));
        }
    }

    public DamageImage Image { get; }

    public string Path { get; }

    public DamageKind Kind { get; }

    public int At { get; }

    public int Bit { get; }

    /// <summary>Whose file it is; null for those of the directory.</summary>
    public TopicPartition? Partition { get; }

    /// <summary>The suffix of a segment's files, the name of others.</summary>
    public string FileKind { get; }

    public long SegmentBase { get; }

    public bool IsLog => FileKind is LogFileNames.Log or LogFileNames.Log + LogFileNames.Swap;

    /// <summary>Of the file that is hit.</summary>
    public bool LeavesNothing => Kind == DamageKind.Remove || (Kind == DamageKind.Truncate && At == 0);

    /// <summary>First and last offset of the batch that is hit, for a log.</summary>
    public long BatchFirst { get; private set; } = long.MaxValue;

    public long BatchLast { get; private set; } = long.MaxValue;

    /// <summary>First offset of the batch before that one in the file, or of that one.</summary>
    public long NeighbourFirst { get; private set; } = long.MaxValue;

    /// <summary>
    /// No checksum covers a batch's base offset and leader epoch. A wrong base offset is known by the order of the log; in a log with gaps it may not break the order, and
    /// Kafka's format has nothing more.
    /// </summary>
    public bool HitsBaseOffset { get; private set; }

    public bool HitsLeaderEpoch { get; private set; }

    public static DamagePoint Choose(DamageImage image, Random random)
    {
        // By kind first: there are many more segments than checkpoints.
        string[] files = [.. image.Disk.AllFiles().Where(f => !f.EndsWith("/.lock", StringComparison.Ordinal))];
        string[] kinds = [.. files.Select(KindOf).Distinct()];
        string chosen = kinds[random.Next(kinds.Length)];
        files = [.. files.Where(f => KindOf(f) == chosen)];
        string path = files[random.Next(files.Length)];
        int length = image.Disk.ReadAll(path).Length;
        DamageKind kind = random.Next(10) switch { < 7 => DamageKind.Flip, < 9 => DamageKind.Truncate, _ => DamageKind.Remove };
        return length == 0
            ? new DamagePoint(image, path, DamageKind.Remove, 0, 0)
            : new DamagePoint(image, path, kind, random.Next(length), random.Next(8));
    }

    public void Apply(SimulatedDisk disk)
    {
        if (Kind == DamageKind.Remove)
        {
            disk.Delete(Path);
            return;
        }

        byte[] bytes = disk.ReadAll(Path);
        if (Kind == DamageKind.Truncate)
        {
            bytes = bytes[..At];
        }
        else
        {
            bytes[At] ^= (byte)(1 << Bit);
        }

        disk.Damage(Path, bytes);
    }

    public override string ToString() =>
        $"{Kind} {Path} at {At} bit {Bit} in image '{Image.Name}' ({(Image.IsClean ? "clean" : "not clean")})" + (IsLog && BatchFirst < long.MaxValue ? $", in batch {BatchFirst}-{BatchLast}" : "");

    private static string KindOf(string path)
    {
        string name = System.IO.Path.GetFileName(path);
        return name.StartsWith('0') ? name[20..] : name;
    }

    private void FindBatch(byte[] bytes)
    {
        if (Kind == DamageKind.Remove)
        {
            BatchFirst = SegmentBase;
            return;
        }

        RecordBatchScanner scanner = new(bytes, verifyCrc: true);
        for (long before = long.MaxValue; scanner.MoveNext(); )
        {
            _ = scanner.TryReadHeader(out RecordBatchHeader header);
            if (scanner.Position + scanner.Current.Length <= At)
            {
                before = header.BaseOffset;
            }
            else
            {
                BatchFirst = header.BaseOffset;
                NeighbourFirst = Math.Min(before, BatchFirst);
                BatchLast = header.LastOffset;
                HitsBaseOffset = Kind == DamageKind.Flip && At - scanner.Position < 8;
                HitsLeaderEpoch = Kind == DamageKind.Flip && At - scanner.Position is >= 12 and < 16;
                return;
            }
        }
    }
}
