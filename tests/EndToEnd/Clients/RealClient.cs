namespace Broker.EndToEnd;

/// <summary>A client program that people use, driven from the outside: lines in, lines out.</summary>
internal abstract class RealClient(string name)
{
    public string Name { get; } = name;

    /// <summary>The codecs this client can compress with.</summary>
    public virtual IReadOnlyList<string> Codecs => ["none", "gzip", "snappy", "lz4", "zstd"];

    /// <summary>Makes a topic in the client's own way; null count for clients that can only rely on auto-creation.</summary>
    public abstract Task CreateTopicAsync(string bootstrap, string topic, int partitions);

    public abstract Task ProduceAsync(string bootstrap, string topic, string codec, IReadOnlyList<string> lines);

    /// <summary>Reads <paramref name="count"/> records from the beginning as a new group.</summary>
    public abstract Task<IReadOnlyList<string>> ConsumeAsync(string bootstrap, string topic, string group, int count);

    public override string ToString() => Name;

    protected static string Text(IReadOnlyList<string> lines) => string.Join('\n', lines) + "\n";
}
