using System.Globalization;
using Broker.Protocol;

namespace Broker.Storage;

/// <summary>Kafka's names of the files and directories of a log. Pure.</summary>
internal static class LogFileNames
{
    public const string Log = ".log";
    public const string OffsetIndex = ".index";
    public const string TimeIndex = ".timeindex";
    public const string TransactionIndex = ".txnindex";
    public const string Snapshot = ".snapshot";
    public const string Deleted = ".deleted";
    public const string Cleaned = ".cleaned";
    public const string Swap = ".swap";
    public const string DeleteDirectory = "-delete";
    public const string FutureDirectory = "-future";
    public const string StrayDirectory = "-stray";
    public const string LeaderEpochs = "leader-epoch-checkpoint";
    public const string PartitionMetadata = "partition.metadata";

    // Longest name of a directory entry on the usual file systems.
    private const int MaxNameLength = 255;

    public static string Of(long offset, string suffix) => string.Create(CultureInfo.InvariantCulture, $"{offset:D20}{suffix}");

    /// <summary>The offset in names such as 00000000000000000042.log; false for other names and other suffixes.</summary>
    public static bool TryParse(string name, string suffix, out long offset)
    {
        offset = 0;
        return name.EndsWith(suffix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(0, name.Length - suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out offset);
    }

    /// <summary>The offset that the name of any file of a segment begins with; -1 for other names.</summary>
    public static long BaseOffsetOf(string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && long.TryParse(name.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out long offset) ? offset : -1;
    }

    /// <summary>Splits at the last dash, because a topic may contain dashes.</summary>
    public static bool TryParseDirectory(ReadOnlySpan<char> name, out TopicPartition partition)
    {
        partition = default;
        int dash = name.LastIndexOf('-');
        if (dash <= 0 || !int.TryParse(name[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            return false;
        }

        partition = new TopicPartition(name[..dash].ToString(), number);
        return true;
    }

    /// <summary>Names such as t-0.0123456789abcdef0123456789abcdef-delete.</summary>
    public static bool IsMarked(string name, string suffix)
    {
        if (!name.EndsWith(suffix, StringComparison.Ordinal))
        {
            return false;
        }

        ReadOnlySpan<char> rest = name.AsSpan(0, name.Length - suffix.Length);
        int dot = rest.LastIndexOf('.');
        return dot > 0 && rest.Length - dot - 1 == 32 && TryParseDirectory(rest[..dot], out _);
    }

    public static string MarkedForDeletion(TopicPartition partition, Guid unique) => Marked(partition, unique, DeleteDirectory);

    /// <summary>Whether the marked name holds the whole topic.</summary>
    public static bool HasRoomForMark(TopicPartition partition, string suffix) => Marked(partition, Guid.Empty, suffix).StartsWith(partition.Topic + "-", StringComparison.Ordinal);

    /// <summary>See <see cref="IsMarked"/>.</summary>
    public static string Marked(TopicPartition partition, Guid unique, string suffix)
    {
        string end = string.Create(CultureInfo.InvariantCulture, $"-{partition.Partition}.{unique:N}{suffix}");
        int room = MaxNameLength - end.Length;
        return partition.Topic.Length <= room ? partition.Topic + end : partition.Topic[..room] + end;
    }
}
