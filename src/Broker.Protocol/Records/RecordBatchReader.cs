namespace Broker.Protocol.Records;

/// <summary>
/// Reads the records of one batch of magic 2, decompressing into pooled memory when they are compressed; uncompressed ones are read where they lie, without allocation.
/// The spans of a record live as long as the reader. Dispose it once, in the scope that made it.
/// </summary>
public ref struct RecordBatchReader
{
    private readonly BoundedBuffer? _decompressed;
    private RecordCursor _records;

    /// <param name="batch">The whole batch; bytes after it are not looked at.</param>
    /// <param name="maxDecompressedBytes">Most bytes its records may expand to.</param>
    /// <exception cref="InvalidRecordsException">The batch is not whole, of another magic, or its compressed records are broken or too large.</exception>
    public RecordBatchReader(ReadOnlySpan<byte> batch, int maxDecompressedBytes = RecordCompression.DefaultMaxBytes)
    {
        BatchDefect defect = RecordBatchScanner.Measure(batch, out int size);
        if (defect != BatchDefect.None || !RecordBatchHeader.TryRead(batch, out RecordBatchHeader header))
        {
            throw new InvalidRecordsException($"The {batch.Length} bytes are no whole record batch of magic 2 ({defect})");
        }

        Header = header;
        ReadOnlySpan<byte> records = batch[RecordBatchHeader.Size..size];
        if (header.RecordCount == 0)
        {
            // Compaction leaves empty batches that keep their codec but have nothing to decompress.
            records = default;
        }
        else if (header.Codec != CompressionCodec.None)
        {
            _decompressed = RecordCompression.Decompress(header.Codec, records, maxDecompressedBytes);
            records = _decompressed.Span;
        }

        _records = new RecordCursor(header, records);
    }

    public RecordBatchHeader Header { get; }

    /// <summary>Reads the next record; false after the last one, when the records end where they should.</summary>
    /// <exception cref="InvalidRecordsException">A length or count does not fit, or bytes are left after the last record.</exception>
    public bool MoveNext(out Record record) => _records.MoveNext(out record);

    public readonly void Dispose() => _decompressed?.Dispose();
}
