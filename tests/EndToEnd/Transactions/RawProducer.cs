using System.Buffers.Binary;
using System.Text;

namespace Broker.EndToEnd;

/// <summary>
/// A transactional producer that decides itself what it sends on which connection, with which epoch and sequence, and says which error came back.
/// Requests of both generations: those of <c>transaction.version</c> 2, and with <c>Old</c> in their name those before.
/// </summary>
internal sealed class RawProducer(string transactionalId, string topic)
{
    private const short Produce = 0;
    private const short ListOffsets = 2;
    private const short FindCoordinator = 10;
    private const short InitProducerId = 22;
    private const short AddPartitionsToTxn = 24;
    private const short AddOffsetsToTxn = 25;
    private const short EndTxn = 26;
    private const short TxnOffsetCommit = 28;

    private const short ConcurrentTransactions = 51;

    /// <summary>A coordinator that is loading, not there or busy with the transaction before; and, for records, one that could not be asked yet.</summary>
    private static readonly short[] NotYet = [14, 15, 16, 19, ConcurrentTransactions];

    private int _correlationId;

    public long ProducerId { get; set; } = -1;

    public short Epoch { get; set; } = -1;

    /// <summary>Comes again while the coordinator is being loaded or ends the transaction of the producer before.</summary>
    public async Task InitAsync(RawConnection connection)
    {
        await connection.AskAsync(RequestBytes.Request(FindCoordinator, 1, ++_correlationId).String(transactionalId).Int8(1).ToArray());
        byte[] response = await AskUntilAsync(
            connection, () => RequestBytes.Request(InitProducerId, 1, ++_correlationId).String(transactionalId).Int32(60_000).ToArray(), answer => NotYet.Contains(Int16(answer, 8)));
        Assert.True(Int16(response, 8) == 0, $"InitProducerId is answered with {Int16(response, 8)}");
        TakeProducer(response, at: 10);
    }

    /// <summary>Version 12: the partition becomes part of the transaction by it.</summary>
    public Task<short> ProduceAsync(RawConnection connection, string value, short epoch, int sequence, int partition = 0, short version = 12) => AskAsync(
        connection,
        () => RequestBytes.Flexible(Produce, version, ++_correlationId).CompactString(transactionalId).Int16(-1).Int32(30_000)
            .CompactCount(1).CompactString(topic).CompactCount(1).Int32(partition).CompactBlock(Batch(value, epoch, sequence)).NoTags().NoTags().NoTags(),
        // Correlation id and tags, one topic, its name, one partition, its index.
        response => Int16(response, 4 + 1 + 1 + 1 + topic.Length + 1 + 4));

    /// <summary>Version 7.</summary>
    public Task<short> ProduceOldAsync(RawConnection connection, string value, short epoch, int sequence, int partition = 0) => AskAsync(
        connection,
        () => RequestBytes.Request(Produce, 7, ++_correlationId).String(transactionalId).Int16(-1).Int32(30_000).Int32(1).String(topic).Int32(1).Int32(partition).Block(Batch(value, epoch, sequence)),
        response => Int16(response, 4 + 4 + 2 + topic.Length + 4 + 4));

    /// <summary>The bytes of an EndTxn of version 5, to be sent when and where one likes.</summary>
    public byte[] End(bool commit, short epoch) => RequestBytes.Flexible(EndTxn, 5, ++_correlationId)
        .CompactString(transactionalId).Int64(ProducerId).Int16(epoch).Int8(commit ? (sbyte)1 : (sbyte)0).NoTags().ToArray();

    /// <summary>Sends it until no transaction before is in the way, and takes over the epoch of the answer unless it is an error.</summary>
    public async Task<short> EndAsync(RawConnection connection, byte[] request)
    {
        byte[] response = await AskUntilAsync(connection, () => request, answer => Int16(answer, 9) == ConcurrentTransactions);
        short error = Int16(response, 9);
        if (error == 0)
        {
            TakeProducer(response, at: 11);
        }

        return error;
    }

    /// <summary>EndTxn of a version before 5.</summary>
    public Task<short> EndOldAsync(RawConnection connection, bool commit, short epoch, short version = 2) => AskAsync(
        connection, () => RequestBytes.Request(EndTxn, version, ++_correlationId).String(transactionalId).Int64(ProducerId).Int16(epoch).Int8(commit ? (sbyte)1 : (sbyte)0), response => Int16(response, 8));

    public Task<short> AddPartitionAsync(RawConnection connection, short epoch, int partition = 0, short version = 2) => AskAsync(
        connection,
        () => RequestBytes.Request(AddPartitionsToTxn, version, ++_correlationId).String(transactionalId).Int64(ProducerId).Int16(epoch).Int32(1).String(topic).Int32(1).Int32(partition),
        Last);

    public Task<short> AddOffsetsAsync(RawConnection connection, string group, short epoch, short version = 2) => AskAsync(
        connection, () => RequestBytes.Request(AddOffsetsToTxn, version, ++_correlationId).String(transactionalId).Int64(ProducerId).Int16(epoch).String(group), response => Int16(response, 8));

    public Task<short> CommitOffsetOldAsync(RawConnection connection, string group, long offset, short epoch) => AskAsync(
        connection,
        () => RequestBytes.Request(TxnOffsetCommit, 2, ++_correlationId).String(transactionalId).String(group).Int64(ProducerId).Int16(epoch)
            .Int32(1).String(topic).Int32(1).Int32(0).Int64(offset).Int32(-1).NullString(),
        Last);

    /// <summary>Version 5: the group's partition becomes part of the transaction by it.</summary>
    public Task<short> CommitOffsetAsync(RawConnection connection, string group, long offset, short epoch) => AskAsync(
        connection,
        () => RequestBytes.Flexible(TxnOffsetCommit, 5, ++_correlationId).CompactString(transactionalId).CompactString(group).Int64(ProducerId).Int16(epoch)
            .Int32(-1).CompactString("").Int8(0).CompactCount(1).CompactString(topic).CompactCount(1).Int32(0).Int64(offset).Int32(-1).Int8(0).NoTags().NoTags().NoTags(),
        // Behind the error only the tags of partition, topic and response.
        response => Int16(response, response.Length - 5));

    /// <summary>The last stable offset, or the high watermark.</summary>
    public async Task<long> EndOffsetAsync(RawConnection connection, bool stable, int partition = 0)
    {
        byte[] response = await connection.AskAsync(
            RequestBytes.Request(ListOffsets, 2, ++_correlationId).Int32(-1).Int8(stable ? (sbyte)1 : (sbyte)0).Int32(1).String(topic).Int32(1).Int32(partition).Int64(-1).ToArray());
        Assert.Equal(0, Int16(response, response.Length - 18));
        return BinaryPrimitives.ReadInt64BigEndian(response.AsSpan(response.Length - 8));
    }

    /// <summary>Asks again while the coordinator is not there yet or still ends the transaction before.</summary>
    private static async Task<short> AskAsync(RawConnection connection, Func<RequestBytes> request, Func<byte[], short> error) =>
        error(await AskUntilAsync(connection, () => request().ToArray(), answer => NotYet.Contains(error(answer))));

    /// <summary>Asks again while the answer is no last one, for a minute at most.</summary>
    private static async Task<byte[]> AskUntilAsync(RawConnection connection, Func<byte[]> request, Predicate<byte[]> isNotYet)
    {
        for (DateTime end = DateTime.UtcNow.AddSeconds(60); ; await Task.Delay(20))
        {
            byte[] answer = await connection.AskAsync(request());
            if (!isNotYet(answer) || DateTime.UtcNow > end)
            {
                return answer;
            }
        }
    }

    /// <summary>Producer id and epoch, as InitProducerId and EndTxn give them.</summary>
    private void TakeProducer(byte[] response, int at) => (ProducerId, Epoch) = (BinaryPrimitives.ReadInt64BigEndian(response.AsSpan(at)), Int16(response, at + 8));

    private byte[] Batch(string value, short epoch, int sequence) => RequestBytes.TransactionalBatch(Encoding.UTF8.GetBytes(value), ProducerId, epoch, sequence);

    private static short Last(byte[] response) => Int16(response, response.Length - 2);

    private static short Int16(byte[] response, int at) => BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(at));
}
