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

    [LoggerMessage(Level = LogLevel.Information, Message = "Loading groups and offsets from __consumer_offsets-{Partition}, offsets {StartOffset} to {EndOffset}")]
    public static partial void LoadStarted(ILogger logger, int partition, long startOffset, long endOffset);

    [LoggerMessage(Level = LogLevel.Information, Message = "Loaded {Groups} groups with {Offsets} offsets from __consumer_offsets-{Partition} in {ElapsedMs} ms")]
    public static partial void LoadFinished(ILogger logger, int groups, int offsets, int partition, long elapsedMs);

    [LoggerMessage(Level = LogLevel.Error, Message = "Groups of __consumer_offsets-{Partition} could not be loaded; their requests are refused (NOT_COORDINATOR) until this broker becomes the partition's leader again, as after a restart")]
    public static partial void LoadFailed(ILogger logger, int partition, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Groups of __consumer_offsets-{Partition} are given up, leader epoch {LeaderEpoch}")]
    public static partial void Unloaded(ILogger logger, int partition, int leaderEpoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Skipped {Count} records of __consumer_offsets-{Partition} with key version {KeyVersion}, which this version does not know")]
    public static partial void UnknownRecords(ILogger logger, int count, int partition, short keyVersion);

    [LoggerMessage(Level = LogLevel.Error, Message = "Skipped what cannot be read in __consumer_offsets-{Partition} at offset {Offset}: {Problem}")]
    public static partial void UnreadableRecord(ILogger logger, int partition, long offset, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "An append to __consumer_offsets-{Partition} failed unexpectedly")]
    public static partial void AppendThrew(ILogger logger, int partition, Exception exception);

    [LoggerMessage(Level = LogLevel.Critical, Message = "A step of the group coordinator on __consumer_offsets-{Partition} failed")]
    public static partial void StepThrew(ILogger logger, int partition, Exception exception);
}
