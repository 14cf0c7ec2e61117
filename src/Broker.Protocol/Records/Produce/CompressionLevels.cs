namespace Broker.Protocol.Records;

/// <summary>The level of each codec that has levels; null is the codec's default.</summary>
/// <param name="Gzip">1 to 9, or -1 for the default.</param>
/// <param name="Lz4">1 to 17; 9, the default, is the fast compressor, every other one the thorough one.</param>
/// <param name="Zstd">-131072 to 22.</param>
public readonly record struct CompressionLevels(int? Gzip = null, int? Lz4 = null, int? Zstd = null)
{
    public int? For(CompressionCodec codec) => codec switch
    {
        CompressionCodec.Gzip => Gzip,
        CompressionCodec.Lz4 => Lz4,
        CompressionCodec.Zstd => Zstd,
        _ => null,
    };
}
