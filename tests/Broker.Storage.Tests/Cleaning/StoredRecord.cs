using System.Text;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>A record as it lies in a log.</summary>
internal sealed record StoredRecord(long Offset, string? Key, string? Value, long TimestampMs, long ProducerId, bool IsTransactional, bool IsControl);

/// <summary>A batch as it lies in a log; format 0 and 1 messages count as one each.</summary>
internal sealed record StoredBatch(long BaseOffset, long LastOffset, byte Magic, int Size, CompressionCodec Codec, RecordBatchHeader Header, IReadOnlyList<StoredRecord> Records)
{
    /// <summary>All batches of a log, read as a consumer does.</summary>
    public static List<StoredBatch> All(PartitionLog log, long from = -1, long? until = null, LogFiles? files = null)
    {
        List<StoredBatch> batches = [];
        long next = Math.Max(from, log.LogStartOffset);
        while (next < log.LogEndOffset)
        {
            byte[] bytes = LogReader.Bytes(log.Read(next, 1 << 20, minOneBatch: true, until ?? long.MaxValue), files);
            RecordBatchScanner scanner = new(bytes, verifyCrc: true);
            bool hasRead = false;
            while (scanner.MoveNext())
            {
                StoredBatch batch = Parse(scanner);
                Assert.True(batch.LastOffset >= next, $"batch {batch.BaseOffset}-{batch.LastOffset} after offset {next}");
                next = batch.LastOffset + 1;
                batches.Add(batch);
                hasRead = true;
            }

            Assert.True(scanner.Defect is BatchDefect.None or BatchDefect.Incomplete, $"{scanner.Defect} at offset {next}");
            if (!hasRead)
            {
                break;
            }
        }

        return batches;
    }

    /// <summary>What a consumer hands to its user: no markers and, with read_committed, nothing aborted.</summary>
    public static List<StoredRecord> Visible(PartitionLog log, bool isCommittedOnly = true, LogFiles? files = null)
    {
        long until = isCommittedOnly ? log.LastStableOffset : log.HighWatermark;
        Queue<AbortedTransaction> ahead = new(log.AbortedTransactions(log.LogStartOffset, until).OrderBy(a => a.FirstOffset));
        HashSet<long> aborted = [];
        List<StoredRecord> visible = [];
        foreach (StoredBatch batch in All(log, until: until, files: files))
        {
            while (isCommittedOnly && ahead.TryPeek(out AbortedTransaction next) && next.FirstOffset <= batch.LastOffset)
            {
                aborted.Add(ahead.Dequeue().ProducerId);
            }

            if (batch is { Magic: 2, Header.IsControl: true })
            {
                if (batch.Records is [{ Value: "abort" }])
                {
                    aborted.Remove(batch.Header.ProducerId);
                }

                continue;
            }

            if (batch.Magic < 2 || !(batch.Header.IsTransactional && aborted.Contains(batch.Header.ProducerId)))
            {
                visible.AddRange(batch.Records.Where(r => r.Offset >= log.LogStartOffset && r.Offset < until));
            }
        }

        return visible;
    }

    public static StoredBatch Parse(RecordBatchScanner scanner)
    {
        List<StoredRecord> records = [];
        if (!scanner.TryReadHeader(out RecordBatchHeader header))
        {
            using LegacyMessageSetReader messages = new(scanner.Current);
            while (messages.MoveNext(out LegacyRecord record))
            {
                records.Add(new StoredRecord(record.Offset, Text(record.HasKey, record.Key), Text(record.HasValue, record.Value), record.Timestamp, -1, false, false));
            }

            long last = records[^1].Offset;
            return new StoredBatch(records[0].Offset, last, scanner.Magic, scanner.Current.Length, (CompressionCodec)(scanner.Current[17] & 7), default, records);
        }

        using RecordBatchReader reader = new(scanner.Current);
        while (reader.MoveNext(out Protocol.Records.Record record))
        {
            string? value = header.IsControl ? (record.Key[3] == 0 ? "abort" : "commit") : Text(record.HasValue, record.Value);
            records.Add(new StoredRecord(
                record.Offset, Text(record.HasKey, record.Key), value, record.Timestamp, header.ProducerId, header.IsTransactional, header.IsControl));
        }

        return new StoredBatch(header.BaseOffset, header.LastOffset, 2, header.SizeInBytes, header.Codec, header, records);
    }

    private static string? Text(bool isPresent, ReadOnlySpan<byte> bytes) => isPresent ? Encoding.UTF8.GetString(bytes) : null;
}
