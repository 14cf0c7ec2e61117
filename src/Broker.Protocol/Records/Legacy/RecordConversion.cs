namespace Broker.Protocol.Records;

/// <summary>Records of one format made into another. Pure; the results are arrays of their own.</summary>
public static class RecordConversion
{
    /// <summary>
    /// Makes batches readable for clients that know magic 0 or 1: control batches are left out, headers dropped, compressed batches stay compressed with their codec.
    /// Uncompressed records before <paramref name="firstOffset"/> are left out, since old clients do not expect them.
    /// </summary>
    /// <exception cref="InvalidRecordsException">A batch is broken.</exception>
    public static DownConversionResult DownConvert(
        ReadOnlySpan<byte> batches, byte toMagic, long firstOffset, int maxDecompressedBytes = RecordCompression.DefaultMaxBytes) => throw new NotImplementedException();

    /// <summary>Makes a message set of magic 0 or 1 into one batch of magic 2 that keeps keys, values, timestamps and order, with offsets from <paramref name="baseOffset"/> on.</summary>
    /// <exception cref="InvalidRecordsException">A message is broken.</exception>
    public static byte[] UpConvert(
        ReadOnlySpan<byte> messageSet, long baseOffset, CompressionCodec codec, int maxDecompressedBytes = RecordCompression.DefaultMaxBytes) => throw new NotImplementedException();
}
