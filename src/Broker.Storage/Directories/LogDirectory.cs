namespace Broker.Storage;

/// <summary>One entry of log.dirs.</summary>
public sealed class LogDirectory
{
    internal LogDirectory(string path) => Path = path;

    public string Path { get; }

    /// <summary>False from the first I/O error until the next start; its partitions answer KAFKA_STORAGE_ERROR.</summary>
    public bool IsOnline => true;

    /// <summary>Size of the file system, -1 when unknown.</summary>
    public long TotalBytes => -1;

    public long UsableBytes => -1;

    public IReadOnlyCollection<PartitionLog> Logs => [];
}
