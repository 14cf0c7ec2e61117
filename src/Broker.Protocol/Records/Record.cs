namespace Broker.Protocol.Records;

/// <summary>One record of a batch; spans point into the batch or its decompressed form.</summary>
public readonly ref struct Record
{
    public long Offset { get; init; }

    /// <summary>Ms since 1970.</summary>
    public long Timestamp { get; init; }

    /// <summary>-1 when the batch has no sequences.</summary>
    public int Sequence { get; init; }

    public bool HasKey { get; init; }

    /// <summary>Empty when there is no key.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    public bool HasValue { get; init; }

    /// <summary>Empty when the value is null.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    public int HeaderCount { get; init; }

    /// <summary>The headers as encoded, without their count.</summary>
    public ReadOnlySpan<byte> Headers { get; init; }
}
