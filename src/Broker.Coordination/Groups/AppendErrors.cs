namespace Broker.Coordination;

/// <summary>What a failed append to __consumer_offsets means to a group's client: look for the coordinator again, or why trying again will not help.</summary>
internal static class AppendErrors
{
    /// <summary>The records may be in the log, or may come to be replicated, though the append failed; with any other error they were refused before.</summary>
    public static bool MayBeWritten(ErrorCode error) => error is
        ErrorCode.RequestTimedOut or ErrorCode.NotEnoughReplicasAfterAppend or ErrorCode.NotLeaderOrFollower or ErrorCode.KafkaStorageError or ErrorCode.UnknownServerError;

    public static ErrorCode ForGroup(ErrorCode error) => error switch
    {
        ErrorCode.RequestTimedOut => ErrorCode.RebalanceInProgress,
        ErrorCode.MessageTooLarge or ErrorCode.RecordListTooLarge => ErrorCode.UnknownServerError,
        _ => ForBoth(error),
    };

    public static ErrorCode ForCommit(ErrorCode error) => error switch
    {
        ErrorCode.MessageTooLarge or ErrorCode.RecordListTooLarge => ErrorCode.InvalidCommitOffsetSize,
        _ => ForBoth(error),
    };

    public static ErrorCode ForTransaction(ErrorCode error) => error switch
    {
        ErrorCode.RequestTimedOut => ErrorCode.CoordinatorNotAvailable,
        ErrorCode.MessageTooLarge or ErrorCode.RecordListTooLarge => ErrorCode.UnknownServerError,
        _ => ForBoth(error),
    };

    private static ErrorCode ForBoth(ErrorCode error) => error switch
    {
        ErrorCode.UnknownTopicOrPartition or ErrorCode.NotEnoughReplicas or ErrorCode.NotEnoughReplicasAfterAppend => ErrorCode.CoordinatorNotAvailable,
        ErrorCode.NotLeaderOrFollower or ErrorCode.KafkaStorageError => ErrorCode.NotCoordinator,
        _ => error,
    };
}
