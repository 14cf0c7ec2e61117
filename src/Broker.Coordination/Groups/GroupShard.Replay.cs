namespace Broker.Coordination;

/// <content>Records read back from the log, in its order, before the groups begin to live.</content>
internal sealed partial class GroupShard
{
    // Groups with offsets in a transaction that has not ended, by producer id.
    private readonly Dictionary<long, HashSet<string>> _transactions = [];

    public void Apply(GroupRecord record)
    {
        switch (record)
        {
            case OffsetRecord { Value: { } offset } commit:
                GetOrCreate(commit.Group).Offsets.Apply(commit.Partition, offset);
                break;
            case OffsetRecord tombstone when _groups.TryGetValue(tombstone.Group, out Group? group):
                group.Offsets.Remove(tombstone.Partition);
                break;
            case GroupMetadataRecord { Value: { } snapshot } metadata:
                GetOrCreate(metadata.Group).Restore(snapshot);
                break;
            case GroupMetadataRecord tombstone when _groups.TryGetValue(tombstone.Group, out Group? group):
                group.Forget();
                break;
        }
    }

    /// <summary>A commit inside a transaction; it counts once <see cref="EndTransaction"/> says so.</summary>
    public void ApplyTransactional(long producerId, OffsetRecord record)
    {
        if (record.Value is not { } offset)
        {
            return;
        }
        GetOrCreate(record.Group).Offsets.ApplyTransactional(producerId, record.Partition, offset);
        Join(producerId, record.Group);
    }

    private void Join(long producerId, string groupId)
    {
        if (!_transactions.TryGetValue(producerId, out HashSet<string>? groups))
        {
            _transactions[producerId] = groups = [];
        }
        groups.Add(groupId);
    }

    /// <summary>The marker of a transaction is in the log.</summary>
    public void EndTransaction(long producerId, bool isCommit)
    {
        if (!_transactions.Remove(producerId, out HashSet<string>? groups))
        {
            return;
        }
        foreach (string groupId in groups)
        {
            if (_groups.TryGetValue(groupId, out Group? group))
            {
                group.Offsets.EndTransaction(producerId, isCommit);
            }
        }
    }
}
