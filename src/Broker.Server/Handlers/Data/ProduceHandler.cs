using System.Runtime.InteropServices;
using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Protocol.Records;
using Broker.Storage;

namespace Broker.Server;

/// <summary>
/// Produce (key 0): appends record sets to partitions that this broker leads.
/// v0-1 carry message sets of magic 0 or 1, v2 magic 1, v3 and later exactly one batch of magic 2 per partition.
/// v5 adds the log start offset, v7 allows zstd, v8 per-record errors, v10 the current leader (KIP-951).
/// v11 may answer TRANSACTION_ABORTABLE, v12 adds partitions to the transaction by itself (KIP-890).
/// acks=0 gets no answer; if it failed the connection is closed, which is the only sign such a client can see.
/// </summary>
internal sealed class ProduceHandler(BrokerServices services) : ApiHandler<ProduceRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.Produce, 0, 12);

    private const int MagicPosition = 16;

    private readonly TransactionVerifier _verifier = new(services);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, ProduceRequest request)
    {
        if (request.Acks is < -1 or > 1)
        {
            return Ready(Answer(request, context.ApiVersion, ErrorCode.InvalidRequiredAcks));
        }

        if (request.TransactionalId is null)
        {
            return Finish(request, context.ApiVersion, VerifiedBatches.None);
        }

        ValueTask<VerifiedBatches> verification = _verifier.VerifyAsync(request, context.ApiVersion);
        return verification.IsCompletedSuccessfully
            ? Finish(request, context.ApiVersion, verification.Result)
            : FinishAsync(request, context.ApiVersion, verification);
    }

    private async ValueTask<IMessage?> FinishAsync(ProduceRequest request, short version, ValueTask<VerifiedBatches> verification) =>
        await Finish(request, version, await verification.ConfigureAwait(false)).ConfigureAwait(false);

    private ValueTask<IMessage?> Finish(ProduceRequest request, short version, VerifiedBatches verified)
    {
        ProduceResponse response = Append(request, version, verified, out string? failure, out List<Unsettled>? unsettled);
        if (request.Acks != 0)
        {
            return unsettled is null ? Ready(response) : SettleAsync(response, unsettled);
        }

        return failure is null ? new((IMessage?)null) : throw new CloseConnectionException($"a produce with acks=0 failed: {failure}");
    }

    /// <summary>Flushes, each shared with other requests, and waits for followers run side by side; what was not flushed or replicated is not acknowledged.</summary>
    private static async ValueTask<IMessage?> SettleAsync(ProduceResponse response, List<Unsettled> unsettled)
    {
        foreach (Unsettled partition in unsettled)
        {
            ErrorCode error = await partition.Settled.ConfigureAwait(false);
            if (error != ErrorCode.None)
            {
                partition.Answers[partition.Index] = Failed(partition.Answers[partition.Index].Index, error);
            }
        }

        return response;
    }

    private ProduceResponse Append(ProduceRequest request, short version, VerifiedBatches verified, out string? failure, out List<Unsettled>? unsettled)
    {
        failure = null;
        unsettled = null;
        var topics = new ProduceResponse.TopicProduceResponse[request.TopicData.Count];
        int t = 0;
        foreach (ProduceRequest.TopicProduceData topic in request.TopicData)
        {
            var partitions = new ProduceResponse.PartitionProduceResponse[topic.PartitionData.Count];
            int p = 0;
            foreach (ProduceRequest.PartitionProduceData data in topic.PartitionData)
            {
                ProduceResponse.PartitionProduceResponse answer = AppendOne(topic.Name, data, request, version, verified, out Task<ErrorCode>? settled);
                if (settled is not null)
                {
                    (unsettled ??= []).Add(new Unsettled(partitions, p, settled));
                }

                if (answer.ErrorCode != ErrorCode.None)
                {
                    failure ??= $"{topic.Name}-{data.Index}: {answer.ErrorCode} {answer.ErrorMessage}";
                }

                partitions[p++] = answer;
            }

            topics[t++] = new() { Name = topic.Name, PartitionResponses = partitions };
        }

        return new ProduceResponse { Responses = topics };
    }

    private ProduceResponse.PartitionProduceResponse AppendOne(
        string topic, in ProduceRequest.PartitionProduceData data, ProduceRequest request, short version, VerifiedBatches verified, out Task<ErrorCode>? settled)
    {
        settled = null;
        if (!services.Replicas.TryGet(new TopicPartition(topic, data.Index), out Partition? partition))
        {
            return Failed(data.Index, services.UnknownOrNotLeader(topic, data.Index));
        }

        ErrorCode error = CheckRecords(data.Records, request.TransactionalId, version, out string? message);
        if (error != ErrorCode.None)
        {
            return Failed(data.Index, error, message);
        }

        error = InternalTopics.IsInternal(topic) ? ErrorCode.InvalidTopicException : partition.CheckLeader(services.BrokerId, -1);
        if (error != ErrorCode.None)
        {
            return Failed(data.Index, error);
        }

        VerifiedBatches.Verdict verdict = verified.For(partition.TopicPartition);
        if (verdict.Error != ErrorCode.None)
        {
            return Failed(data.Index, verdict.Error, verdict.Message);
        }

        AppendResult result = partition.Append(MemoryMarshal.AsMemory(data.Records.Memory), AppendOrigin.Client, request.Acks, verdict.Verification);
        bool isReplicationAwaited = request.Acks == -1 && partition.IsReplicated;
        if (result.Error == ErrorCode.None && (result.IsFlushDue || isReplicationAwaited))
        {
            settled = partition.SettleAsync(result, data.Records.Length, isReplicationAwaited, TimeSpan.FromMilliseconds(Math.Max(request.TimeoutMs, 0)), services.Replicas.Limits);
        }

        return new()
        {
            Index = data.Index,
            ErrorCode = result.Error,
            ErrorMessage = result.ErrorMessage,
            BaseOffset = result.Error == ErrorCode.None ? result.BaseOffset : -1,
            LogAppendTimeMs = result.LogAppendTimeMs,
            LogStartOffset = result.Error == ErrorCode.None ? result.LogStartOffset : -1,
            RecordErrors = ToRecordErrors(result),
        };
    }

    /// <summary>From v3 on a partition's data is exactly one batch of magic 2; zstd needs v7, transactional records need a transactional id.</summary>
    private static ErrorCode CheckRecords(WireRecords records, string? transactionalId, short version, out string? message)
    {
        message = null;
        if (records.IsNull || records.Length == 0)
        {
            if (version < 3)
            {
                return ErrorCode.None;
            }

            message = "Produce requests with version 3 or higher must have exactly one record batch per partition, and this one has none";
            return ErrorCode.InvalidRecord;
        }

        ReadOnlySpan<byte> bytes = records.Memory.Span;
        if (version < 3)
        {
            return ErrorCode.None;
        }

        if (bytes.Length <= MagicPosition || !RecordBatchHeader.TryRead(bytes, out RecordBatchHeader batch))
        {
            if (bytes.Length > MagicPosition && bytes[MagicPosition] is 0 or 1)
            {
                message = $"Produce requests with version 3 or higher only take record batches of magic 2, this one has magic {bytes[MagicPosition]}";
                return ErrorCode.InvalidRecord;
            }

            message = $"The {bytes.Length} bytes of records do not hold one complete record batch";
            return ErrorCode.CorruptMessage;
        }

        if (batch.SizeInBytes != bytes.Length)
        {
            bool more = batch.SizeInBytes < bytes.Length;
            message = more
                ? "Produce requests with version 3 or higher must have exactly one record batch per partition, and this one has more"
                : $"The record batch says {batch.SizeInBytes} bytes but {bytes.Length} were sent";
            return more ? ErrorCode.InvalidRecord : ErrorCode.CorruptMessage;
        }

        if (batch.IsTransactional && transactionalId is null)
        {
            message = "The records are transactional, but the request names no transactional id";
            return ErrorCode.TransactionalIdAuthorizationFailed;
        }

        if (version < 7 && batch.Codec == CompressionCodec.Zstd)
        {
            message = $"Produce v{version} does not know zstd; version 7 or later does";
            return ErrorCode.UnsupportedCompressionType;
        }

        return ErrorCode.None;
    }

    private static WireArray<ProduceResponse.BatchIndexAndErrorMessage> ToRecordErrors(AppendResult result)
    {
        if (result.RecordErrors is not { Count: > 0 } errors)
        {
            return default;
        }

        var list = new ProduceResponse.BatchIndexAndErrorMessage[errors.Count];
        for (int i = 0; i < list.Length; i++)
        {
            list[i] = new() { BatchIndex = errors[i].BatchIndex, BatchIndexErrorMessage = errors[i].Message };
        }

        return list;
    }

    private static ProduceResponse.PartitionProduceResponse Failed(int index, ErrorCode error, string? message = null) =>
        new() { Index = index, ErrorCode = error, ErrorMessage = message, BaseOffset = -1, LogAppendTimeMs = -1, LogStartOffset = -1 };

    private static ProduceResponse Answer(ProduceRequest request, short version, ErrorCode error)
    {
        var topics = new List<ProduceResponse.TopicProduceResponse>();
        foreach (ProduceRequest.TopicProduceData topic in request.TopicData)
        {
            var partitions = new List<ProduceResponse.PartitionProduceResponse>();
            foreach (ProduceRequest.PartitionProduceData data in topic.PartitionData)
            {
                partitions.Add(Failed(data.Index, error));
            }

            topics.Add(new() { Name = topic.Name, PartitionResponses = partitions });
        }

        return new ProduceResponse { Responses = topics };
    }

    /// <summary>An answer of a partition that is true only if the flush and the replication succeed.</summary>
    private readonly record struct Unsettled(ProduceResponse.PartitionProduceResponse[] Answers, int Index, Task<ErrorCode> Settled);
}
