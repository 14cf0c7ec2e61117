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

        if (version >= 4)
        {
            return read;
        }

        if (!partition.Log.Config.MessageDownconversionEnable)
        {
            return PartitionRead.Failed(ErrorCode.UnsupportedVersion);
        }

        byte[] batches = ReadWhole(read.Records.File!.Value);
        byte magic = version <= 1 ? (byte)0 : (byte)1;
        DownConversionResult converted = RecordConversion.DownConvert(batches, magic, target.FetchOffset);
        return converted.Error != ErrorCode.None
            ? PartitionRead.Failed(converted.Error)
            : read with { Records = WireRecords.FromMemory(converted.Records) };
    }

    private static byte[] ReadWhole(FileSlice slice)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(slice.Length);
        int read = 0;
        while (read < bytes.Length)
        {
            int n = RandomAccess.Read(slice.File, bytes.AsSpan(read), slice.Position + read);
            if (n == 0)
            {
                throw new EndOfStreamException($"A log segment ended {bytes.Length - read} bytes before the end of a range that was read from it");
            }

            read += n;
        }

        return bytes;
    }
}
