namespace Broker.Coordination;

/// <summary>One protocol a member offers, in its order of preference. The metadata is opaque to the coordinator.</summary>
internal readonly record struct JoinProtocol(string Name, byte[] Metadata);

internal sealed record JoinInput
{
    public required string MemberId { get; init; }
    public string? InstanceId { get; init; }
    public required string ClientId { get; init; }
    public required string ClientHost { get; init; }
    public required int SessionTimeoutMs { get; init; }
    public required int RebalanceTimeoutMs { get; init; }
    public required string ProtocolType { get; init; }
    public required JoinProtocol[] Protocols { get; init; }
    public string? Reason { get; init; }

    /// <summary>JoinGroup v4+: a dynamic member first fetches its id (MEMBER_ID_REQUIRED).</summary>
    public bool RequireKnownMemberId { get; init; }

    /// <summary>JoinGroup v9+: a returning static leader can be told to skip the assignment.</summary>
    public bool SupportsSkipAssignment { get; init; }
}

internal readonly record struct JoinedMember(string MemberId, string? InstanceId, byte[] Metadata);

internal sealed record JoinResult
{
    public required ErrorCode Error { get; init; }
    public required string MemberId { get; init; }
    public int Generation { get; init; } = -1;
    public string? ProtocolType { get; init; }
    public string? ProtocolName { get; init; }
    public string Leader { get; init; } = "";
    public bool SkipAssignment { get; init; }
    public JoinedMember[] Members { get; init; } = [];

    public static JoinResult Failed(ErrorCode error, string memberId) => new() { Error = error, MemberId = memberId };
}

internal sealed record SyncInput
{
    public required string MemberId { get; init; }
    public required int Generation { get; init; }
    public string? InstanceId { get; init; }
    public string? ProtocolType { get; init; }
    public string? ProtocolName { get; init; }

    /// <summary>Assignment by member id; only the leader's counts.</summary>
    public Dictionary<string, byte[]> Assignments { get; init; } = [];
}

internal sealed record SyncResult(ErrorCode Error, string? ProtocolType, string? ProtocolName, byte[] Assignment)
{
    public static SyncResult Failed(ErrorCode error) => new(error, null, null, []);
}

internal readonly record struct LeavingMember(string MemberId, string? InstanceId, string? Reason);

internal readonly record struct CommitEntry(string Topic, int Partition, CommittedOffset Offset);

internal sealed record CommitInput
{
    public required string MemberId { get; init; }
    public required int Generation { get; init; }
    public string? InstanceId { get; init; }
    public required CommitEntry[] Entries { get; init; }

    /// <summary>TxnOffsetCommit: the offsets count once the producer's transaction commits; null for a plain commit.</summary>
    public TransactionalProducer? Producer { get; init; }
}

/// <summary>One error per entry of the request, in its order.</summary>
internal sealed record CommitResult(ErrorCode[] Errors)
{
    public static CommitResult All(ErrorCode error, int count)
    {
        var errors = new ErrorCode[count];
        Array.Fill(errors, error);
        return new CommitResult(errors);
    }
}

/// <summary>The answer of operations that have nothing but an outcome.</summary>
internal sealed record Outcome(ErrorCode Error);

/// <summary>Error of the group, or one error per partition asked for.</summary>
internal sealed record DeleteOffsetsResult(ErrorCode Error, ErrorCode[] Errors);
