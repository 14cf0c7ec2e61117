namespace Broker.Storage;

/// <summary>Moves between log directories, as configured at the moment. Bytes are counted by whoever limits them.</summary>
public sealed record MoveOptions
{
    /// <summary>num.replica.alter.log.dirs.threads; null: as many as there are directories, as in Kafka.</summary>
    public int? Threads { get; init; }

    /// <summary>Whether replica.alter.log.dirs.io.max.bytes.per.second is exceeded: nothing is copied for now.</summary>
    public Func<bool> IsThrottled { get; init; } = static () => false;

    /// <summary>Told of the bytes of each read.</summary>
    public Action<long> OnCopied { get; init; } = static _ => { };
}
