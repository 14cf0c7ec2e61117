namespace Broker.Protocol.Records;

/// <summary>What a walk over the records of an append found.</summary>
internal struct RecordSummary(long firstOffset, CompressionCodec sourceCodec)
{
    public readonly long FirstOffset => firstOffset;

    public readonly CompressionCodec SourceCodec => sourceCodec;

    public int Count { get; private set; }

    public long MaxTimestamp { get; private set; } = -1;

    public long OffsetOfMaxTimestamp { get; private set; } = -1;

    /// <summary>Takes in the next record, which will have the next offset.</summary>
    public void Add(long timestamp)
    {
        if (timestamp > MaxTimestamp)
        {
            MaxTimestamp = timestamp;
            OffsetOfMaxTimestamp = firstOffset + Count;
        }

        Count++;
    }

    /// <summary>Under LogAppendTime every record has the time of the append.</summary>
    public void UseAppendTime(long nowMs)
    {
        MaxTimestamp = nowMs;
        OffsetOfMaxTimestamp = firstOffset;
    }
}
