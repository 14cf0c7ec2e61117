using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>Reads a log as a consumer does, through file slices.</summary>
internal static class LogReader
{
    public static byte[] Bytes(ReadResult read, LogFiles? files = null)
    {
        Assert.Equal(ErrorCode.None, read.Error);
        byte[] bytes = new byte[read.Slice.Length];
        if (bytes.Length > 0)
        {
            Assert.Equal(bytes.Length, (files ?? LogFiles.Disk).Read(read.Slice.File, bytes, read.Slice.Position));
        }

        return bytes;
    }

    /// <summary>All records from an offset to the end of the log: (offset, value).</summary>
    public static List<(long Offset, string Value)> Records(PartitionLog log, long from)
    {
        List<(long Offset, string Value)> records = [];
        long next = from;
        while (next < log.LogEndOffset)
        {
            byte[] bytes = Bytes(log.Read(next, 1 << 20, minOneBatch: true, long.MaxValue));
            if (bytes.Length == 0)
            {
                break;
            }

            next = Add(bytes, from, records);
        }

        return records;
    }

    /// <summary>All values of a log on a simulated disk.</summary>
    public static string[] Values(SimulatedDisk disk, PartitionLog log)
    {
        List<(long Offset, string Value)> records = [];
        long next = log.LogStartOffset;
        while (next < log.LogEndOffset)
        {
            ReadResult read = log.Read(next, 1 << 20, minOneBatch: true, long.MaxValue);
            Assert.Equal(ErrorCode.None, read.Error);
            byte[] bytes = new byte[read.Slice.Length];
            Assert.Equal(bytes.Length, disk.Read(read.Slice.File, bytes, read.Slice.Position));
            next = Add(bytes, next, records);
        }

        return [.. records.Select(r => r.Value)];
    }

    private static long Add(byte[] bytes, long from, List<(long Offset, string Value)> records)
    {
        long next = -1;
        for (int at = 0; at + RecordBatchHeader.Size <= bytes.Length;)
        {
            Assert.True(RecordBatchHeader.TryRead(bytes.AsSpan(at), out RecordBatchHeader header));
            if (header.SizeInBytes > bytes.Length - at)
            {
                break;
            }

            Assert.True(RecordBatchHeader.HasValidCrc(bytes.AsSpan(at, header.SizeInBytes)));
            Assert.Equal(CompressionCodec.None, header.Codec);
            RecordCursor cursor = new(header, bytes.AsSpan(at + RecordBatchHeader.Size, header.SizeInBytes - RecordBatchHeader.Size));
            while (cursor.MoveNext(out Protocol.Records.Record record))
            {
                if (record.Offset >= from && !header.IsControl)
                {
                    records.Add((record.Offset, System.Text.Encoding.UTF8.GetString(record.Value)));
                }
            }

            next = header.LastOffset + 1;
            at += header.SizeInBytes;
        }

        return next;
    }
}
