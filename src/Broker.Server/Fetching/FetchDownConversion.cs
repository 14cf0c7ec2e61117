using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Server;

/// <summary>
/// Makes records readable for the age of the client: Fetch v0-1 know magic 0, v2-3 magic 1. Headers are dropped, keys, values and timestamps kept.
/// A slow path by nature: the records pass through managed memory.
/// </summary>
internal sealed class FetchDownConversion(BrokerServices services)
{
    /// <summary>Last version of Fetch whose clients do not know magic 2.</summary>
    public const short LastVersion = 3;

    public PartitionRead Apply(short version, FetchTarget target, PartitionRead read)
    {
        if (read.Records.Length == 0 || version >= 10)
        {
            return read;
        }

        if (!services.Replicas.TryGet(new TopicPartition(target.Topic!, target.Partition), out Partition? partition))
        {
            return PartitionRead.Failed(ErrorCode.UnknownTopicOrPartition);
        }

        if (partition.Log.Config.Compression == CompressionPolicy.Zstd)
        {
            return PartitionRead.Failed(ErrorCode.UnsupportedCompressionType);
        }

        if (version > LastVersion)
        {
            return read;
        }

        if (!partition.Log.Config.MessageDownconversionEnable)
        {
            return PartitionRead.Failed(ErrorCode.UnsupportedVersion);
        }

        FileSlice slice = read.Records.File!.Value;
        byte[] batches = GC.AllocateUninitializedArray<byte>(slice.Length);
        int there = slice.CopyTo(batches);
        if (there < batches.Length)
        {
            throw new EndOfStreamException($"A log segment ended {batches.Length - there} bytes before the end of a range that was read from it");
        }

        byte magic = version <= 1 ? (byte)0 : (byte)1;
        try
        {
            DownConversionResult converted = RecordConversion.DownConvert(batches, magic, target.FetchOffset);
            return converted.Error != ErrorCode.None
                ? PartitionRead.Failed(converted.Error)
                : read with { Records = WireRecords.FromMemory(converted.Records) };
        }
        catch (InvalidRecordsException)
        {
            // Clients that get the bytes as they are find it themselves, by the checksum.
            return PartitionRead.Failed(ErrorCode.CorruptMessage);
        }
    }
}
