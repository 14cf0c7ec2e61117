namespace Broker.Configuration;

/// <summary>What `compression.type` asks of the log: keep what the producer sent, or one codec for all.</summary>
public enum CompressionPolicy
{
    Producer,
    Uncompressed,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}
