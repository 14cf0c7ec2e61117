namespace Broker.Coordination;

/// <summary>A member of a group. Mutable; owned by its <see cref="Group"/>.</summary>
internal sealed class GroupMember
{
    public required string Id { get; set; }
    public string? InstanceId { get; init; }
    public required string ClientId { get; init; }
    public required string ClientHost { get; init; }
    public required int RebalanceTimeoutMs { get; set; }
    public required int SessionTimeoutMs { get; set; }
    public required JoinProtocol[] Protocols { get; set; }
    public byte[] Assignment { get; set; } = [];

    /// <summary>The parked JoinGroup; null when the member does not wait for a generation.</summary>
    public Call<JoinResult>? Joining { get; set; }

    /// <summary>The parked SyncGroup; null when the member does not wait for its assignment.</summary>
    public Call<SyncResult>? Syncing { get; set; }

    /// <summary>Monotonic time of the session's end; <see cref="Moment.Never"/> while the rebalance keeps it alive.</summary>
    public long SessionDeadlineMs { get; set; } = Moment.Never;

    /// <summary>True until the member has been part of a generation: it cannot send heartbeats yet, so waiting does not keep it alive for ever.</summary>
    public bool IsNew { get; set; }

    public bool IsStatic => InstanceId is not null;

    public bool Matches(JoinProtocol[] protocols)
    {
        if (protocols.Length != Protocols.Length)
        {
            return false;
        }
        for (int i = 0; i < protocols.Length; i++)
        {
            if (protocols[i].Name != Protocols[i].Name || !protocols[i].Metadata.AsSpan().SequenceEqual(Protocols[i].Metadata))
            {
                return false;
            }
        }
        return true;
    }

    public byte[] MetadataOf(string? protocol)
    {
        foreach (JoinProtocol offered in Protocols)
        {
            if (offered.Name == protocol)
            {
                return offered.Metadata;
            }
        }
        return [];
    }
}
