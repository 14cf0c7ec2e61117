using System.Buffers.Binary;
using System.Collections.Immutable;
using Broker.Protocol.Messages;

namespace Broker.Coordination;

/// <summary>Bytes of the records in __transaction_state, in Kafka's formats: key 0; value 0, or 1 once transaction.version allows it. Both are read.</summary>
internal static class TransactionRecordCodec
{
    public static byte[] EncodeKey(string transactionalId) => Encode(0, new TransactionLogKey { TransactionalId = transactionalId });

    public static byte[] EncodeValue(TransactionSnapshot value, short version)
    {
        var topics = value.Partitions.GroupBy(partition => partition.Topic, StringComparer.Ordinal).OrderBy(topic => topic.Key, StringComparer.Ordinal)
            .Select(topic => new TransactionLogValue.TransactionTopic { Topic = topic.Key, PartitionIds = topic.Select(p => p.Partition).Order().ToArray() }).ToArray();
        return Encode(version, new TransactionLogValue
        {
            ProducerId = value.ProducerId,
            PreviousProducerId = value.PreviousProducerId,
            NextProducerId = value.NextProducerId,
            ProducerEpoch = value.Epoch,
            TransactionTimeoutMs = value.TimeoutMs,
            TransactionStatus = (sbyte)value.State,
            TransactionPartitions = value.State == TransactionState.Empty ? WireArray<TransactionLogValue.TransactionTopic>.Null : topics,
            TransactionLastUpdateTimestampMs = value.LastUpdateMs,
            TransactionStartTimestampMs = value.StartMs,
            ClientTransactionVersion = value.ClientVersion,
        });
    }

    /// <summary>The record, or null when the key's version is not known.</summary>
    /// <exception cref="ProtocolException">The bytes cannot be read.</exception>
    public static TransactionRecord? Decode(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte>? value)
    {
        if (GroupRecordCodec.KeyVersion(key.Span) != 0)
        {
            return null;
        }
        var reader = new WireReader(key[2..]);
        string id = TransactionLogKey.Read(ref reader, 0).TransactionalId;
        return new TransactionRecord(id, value is null ? null : DecodeValue(value.Value));
    }

    private static TransactionSnapshot DecodeValue(ReadOnlyMemory<byte> bytes)
    {
        short version = GroupRecordCodec.KeyVersion(bytes.Span);
        if (version is < 0 or > 1)
        {
            throw new ProtocolException($"the value has version {version}, and 0 to 1 can be read");
        }
        var reader = new WireReader(bytes[2..]);
        TransactionLogValue value = TransactionLogValue.Read(ref reader, version);
        if (value.TransactionStatus is < 0 or > (sbyte)TransactionState.CompleteAbort)
        {
            throw new ProtocolException($"the transaction's state is {value.TransactionStatus}, and 0 to 5 are stored");
        }
        ImmutableHashSet<TopicPartition>.Builder partitions = ImmutableHashSet.CreateBuilder<TopicPartition>();
        foreach (TransactionLogValue.TransactionTopic topic in value.TransactionPartitions)
        {
            foreach (int partition in topic.PartitionIds)
            {
                partitions.Add(new TopicPartition(topic.Topic, partition));
            }
        }
        return new TransactionSnapshot
        {
            ProducerId = value.ProducerId,
            PreviousProducerId = value.PreviousProducerId,
            NextProducerId = value.NextProducerId,
            Epoch = value.ProducerEpoch,
            TimeoutMs = value.TransactionTimeoutMs,
            State = (TransactionState)value.TransactionStatus,
            Partitions = partitions.ToImmutable(),
            LastUpdateMs = value.TransactionLastUpdateTimestampMs,
            StartMs = value.TransactionStartTimestampMs,
            ClientVersion = value.ClientTransactionVersion,
        };
    }

    private static byte[] Encode(short version, IMessage message)
    {
        var bytes = new byte[2 + message.Size(version)];
        BinaryPrimitives.WriteInt16BigEndian(bytes, version);
        message.Write(new WireWriter(bytes.AsMemory(2)), version);
        return bytes;
    }
}
