namespace Broker.Coordination;

/// <summary>The limits the state machine works with; the defaults are Kafka's.</summary>
public sealed record GroupSettings
{
    /// <summary>group.initial.rebalance.delay.ms: how long the first rebalance of an empty group waits for more members.</summary>
    public int InitialRebalanceDelayMs { get; init; } = 3_000;

    /// <summary>group.min.session.timeout.ms</summary>
    public int MinSessionTimeoutMs { get; init; } = 6_000;

    /// <summary>group.max.session.timeout.ms</summary>
    public int MaxSessionTimeoutMs { get; init; } = 1_800_000;

    /// <summary>group.max.size: members of one group.</summary>
    public int MaxSize { get; init; } = int.MaxValue;

    /// <summary>offset.metadata.max.bytes, counted in UTF-16 units as Kafka counts them.</summary>
    public int OffsetMetadataMaxBytes { get; init; } = 4_096;

    /// <summary>offsets.retention.minutes, in ms.</summary>
    public long OffsetsRetentionMs { get; init; } = 10_080L * 60_000;

    /// <summary>
    /// Member ids handed out and not yet used, per group. Each costs about 200 bytes until its session timeout; the bound keeps a client that only
    /// asks for ids below 2 MB.
    /// </summary>
    public int MaxPendingMembers { get; init; } = 10_000;

    /// <summary>A member that waits in its first JoinGroup is given up after this time; Kafka's constant of five minutes.</summary>
    internal const int NewMemberJoinTimeoutMs = 5 * 60_000;
}
