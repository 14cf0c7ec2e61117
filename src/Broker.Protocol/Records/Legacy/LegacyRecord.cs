namespace Broker.Protocol.Records;

/// <summary>One record of a message set of magic 0 or 1; spans point into the set or into the decompressed set around it.</summary>
public readonly ref struct LegacyRecord
{
    public long Offset { get; init; }

    /// <summary>0 or 1.</summary>
    public byte Magic { get; init; }

    /// <summary>Ms since 1970; -1 in magic 0.</summary>
    public long Timestamp { get; init; }

    public TimestampType TimestampType { get; init; }

    public bool HasKey { get; init; }

    /// <summary>Empty when there is no key.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    public bool HasValue { get; init; }

    /// <summary>Empty when the value is null.</summary>
    public ReadOnlySpan<byte> Value { get; init; }
}
