namespace Broker.Storage.Tests;

/// <summary>
/// What the campaign knows of the log: every batch ever handed to it (a truncation removes them), where it starts, and how far it was promised to be on the disk. While an
/// operation runs the bounds are those that hold whether it has happened or not.
/// </summary>
internal sealed class CampaignModel
{
    public List<WrittenBatch> Batches { get; } = [];

    public Dictionary<long, int> NextSequence { get; } = [];

    public HashSet<long> OpenTransactions { get; } = [];

    public long End { get; set; }

    /// <summary>Acknowledged: after the death of the process alone nothing below is missing.</summary>
    public long MinEnd { get; set; }

    /// <summary>Promised to be on the disk: after a power cut nothing below is missing.</summary>
    public long Flushed { get; set; }

    /// <summary>The log may start here at the latest.</summary>
    public long MaxStart
    {
        get;
        set
        {
            field = value;
            EverDeleted = Math.Max(EverDeleted, value);
        }
    }

    /// <summary>The latest start there ever was. A crash may bring deleted records back, but not the leader epochs that the log knew of them.</summary>
    public long EverDeleted { get; set; }

    /// <summary>The partition is being deleted and made again.</summary>
    public bool IsReplaced { get; set; }

    public int Epoch { get; set; }

    public Guid TopicId { get; set; } = LogRig.TopicId;

    public void Add(WrittenBatch batch)
    {
        Batches.Add(batch);
        End = batch.Last + 1;
    }

    public void RemoveLast()
    {
        End = Batches[^1].First;
        Batches.RemoveAt(Batches.Count - 1);
    }

    /// <summary>Where the log ends when the batch that holds the offset and all later ones go.</summary>
    public long AlignedDown(long offset)
    {
        foreach (WrittenBatch batch in Batches)
        {
            if (batch.Last >= offset)
            {
                return batch.First;
            }
        }

        return End;
    }

    /// <summary>Takes over what is really left.</summary>
    public void CutTo(long end)
    {
        Batches.RemoveAll(b => b.Last >= end);
        End = MinEnd = end;
        Flushed = Math.Min(Flushed, end);
        NextSequence.Clear();
        OpenTransactions.Clear();
        foreach (WrittenBatch batch in Batches)
        {
            Follow(batch);
        }
    }

    public void Follow(WrittenBatch batch)
    {
        if (batch.IsCommit is not null)
        {
            OpenTransactions.Remove(batch.ProducerId);
            return;
        }

        NextSequence[batch.ProducerId] = batch.Sequence + batch.Count;
        if (batch.IsTransactional)
        {
            OpenTransactions.Add(batch.ProducerId);
        }
    }

    public void Clear()
    {
        Batches.Clear();
        NextSequence.Clear();
        OpenTransactions.Clear();
        End = MinEnd = Flushed = MaxStart = EverDeleted = 0;
    }
}
