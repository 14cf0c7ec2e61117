namespace Broker.Storage;

/// <summary>What a log directory's meta.properties says.</summary>
public sealed record MetaProperties(int Version, string? ClusterId, int? BrokerId)
{
    /// <summary>The file of a directory; null when there is none. The first start decides on cluster.id and an automatic broker.id with it.</summary>
    public static MetaProperties? Read(string directory) => throw new NotImplementedException();
}
