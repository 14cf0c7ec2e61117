using Microsoft.Extensions.Logging;

namespace Broker.Coordination;

/// <summary>Every line the coordinator logs.</summary>
internal static partial class CoordinationLog
{
    public static void Write(ILogger logger, GroupNote note)
    {
        switch (note.Kind)
        {
            case GroupNoteKind.RebalanceStarted:
                RebalanceStarted(logger, note.GroupId, note.Generation, note.Text);
                break;
            case GroupNoteKind.GenerationStarted:
                GenerationStarted(logger, note.GroupId, note.Generation, note.Text);
                break;
            case GroupNoteKind.BecameStable:
                BecameStable(logger, note.GroupId, note.Generation, note.Text);
                break;
            case GroupNoteKind.BecameEmpty:
                BecameEmpty(logger, note.GroupId, note.Generation);
                break;
            case GroupNoteKind.MemberRemoved:
                MemberRemoved(logger, note.GroupId, note.Generation, note.Text);
                break;
            case GroupNoteKind.Removed:
                GroupRemoved(logger, note.GroupId, note.Generation, note.Text);
                break;
            case GroupNoteKind.AppendFailed:
                AppendFailed(logger, note.GroupId, note.Generation, note.Text);
                break;
        }
    }

    public static void Write(ILogger logger, TransactionNote note)
    {
        switch (note.Kind)
        {
            case TransactionNoteKind.Initialized or TransactionNoteKind.Fenced or TransactionNoteKind.Expired:
                TransactionMoved(logger, RebalanceHistory.OneLine(note.TransactionalId), note.ProducerId, note.Epoch, note.Text);
                break;
            default:
                TransactionTrouble(logger, RebalanceHistory.OneLine(note.TransactionalId), note.ProducerId, note.Epoch, note.Text);
                break;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Transactional id {TransactionalId}, producer {ProducerId}, epoch {Epoch}: {Text}")]
    private static partial void TransactionMoved(ILogger logger, string transactionalId, long producerId, short epoch, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Transactional id {TransactionalId}, producer {ProducerId}, epoch {Epoch}: {Text}")]
    private static partial void TransactionTrouble(ILogger logger, string transactionalId, long producerId, short epoch, string text);

    [LoggerMessage(Level = LogLevel.Information, Message = "Loaded {Count} transactional ids from __transaction_state-{Partition} in {ElapsedMs} ms")]
    public static partial void TransactionsLoaded(ILogger logger, int count, int partition, long elapsedMs);

    [LoggerMessage(Level = LogLevel.Error, Message = "Writing transaction markers failed unexpectedly; it is tried again")]
    public static partial void MarkersThrew(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Group {GroupId} rebalances after generation {Generation}: {Reason}")]
    private static partial void RebalanceStarted(ILogger logger, string groupId, int generation, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Group {GroupId} begins generation {Generation}: {Summary}")]
    private static partial void GenerationStarted(ILogger logger, string groupId, int generation, string summary);

    [LoggerMessage(Level = LogLevel.Information, Message = "Group {GroupId} is stable in generation {Generation}: {Summary}")]
    private static partial void BecameStable(ILogger logger, string groupId, int generation, string summary);

    [LoggerMessage(Level = LogLevel.Information, Message = "Group {GroupId} is empty, generation {Generation}")]
    private static partial void BecameEmpty(ILogger logger, string groupId, int generation);

    [LoggerMessage(Level = LogLevel.Information, Message = "Group {GroupId} loses a member in generation {Generation}: {Reason}")]
    private static partial void MemberRemoved(ILogger logger, string groupId, int generation, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Group {GroupId} is removed, generation {Generation}: {Reason}")]
    private static partial void GroupRemoved(ILogger logger, string groupId, int generation, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Group {GroupId}, generation {Generation}: {Problem}")]
    private static partial void AppendFailed(ILogger logger, string groupId, int generation, string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "Loading {Topic}-{Partition}, offsets {StartOffset} to {EndOffset}")]
    public static partial void LoadStarted(ILogger logger, string topic, int partition, long startOffset, long endOffset);

    [LoggerMessage(Level = LogLevel.Information, Message = "Loaded {Groups} groups with {Offsets} offsets from __consumer_offsets-{Partition} in {ElapsedMs} ms")]
    public static partial void LoadFinished(ILogger logger, int groups, int offsets, int partition, long elapsedMs);

    [LoggerMessage(Level = LogLevel.Error, Message = "What {Topic}-{Partition} coordinates could not be loaded; their requests are refused (NOT_COORDINATOR) until this broker becomes the partition's leader again, as after a restart")]
    public static partial void LoadFailed(ILogger logger, string topic, int partition, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Topic}-{Partition} is given up, leader epoch {LeaderEpoch}")]
    public static partial void Unloaded(ILogger logger, string topic, int partition, int leaderEpoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Skipped {Count} records of {Topic}-{Partition} with key version {KeyVersion}, which this version does not know")]
    public static partial void UnknownRecords(ILogger logger, int count, string topic, int partition, short keyVersion);

    [LoggerMessage(Level = LogLevel.Error, Message = "Skipped what cannot be read in {Topic}-{Partition} at offset {Offset}: {Problem}")]
    public static partial void UnreadableRecord(ILogger logger, string topic, int partition, long offset, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "An append to {Topic}-{Partition} failed unexpectedly")]
    public static partial void AppendThrew(ILogger logger, string topic, int partition, Exception exception);

    [LoggerMessage(Level = LogLevel.Critical, Message = "A step of the coordinator of {Topic}-{Partition} failed")]
    public static partial void StepThrew(ILogger logger, string topic, int partition, Exception exception);
}
