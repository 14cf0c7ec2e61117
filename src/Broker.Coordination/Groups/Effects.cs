namespace Broker.Coordination;

/// <summary>What happens next, once the records are in the log or could not be written.</summary>
internal delegate void Appended(ErrorCode error, Moment now, Effects effects);

/// <summary>Records that belong together (one batch), and the step that follows their append.</summary>
/// <param name="Records">In the order they are written.</param>
/// <param name="Continue">Runs under the shard's lock when the append has ended.</param>
/// <param name="Producer">The transactional producer the records belong to; null for the coordinator's own.</param>
internal readonly record struct PendingAppend(IReadOnlyList<CoordinatorRecord> Records, Appended Continue, TransactionalProducer? Producer = null)
{
    /// <summary>Roughly what the records take in a batch.</summary>
    public long EstimatedBytes
    {
        get
        {
            long bytes = 0;
            foreach (CoordinatorRecord record in Records)
            {
                bytes += record.EstimatedBytes;
            }
            return bytes;
        }
    }
}

/// <summary>Something an operator wants to read in the log.</summary>
internal readonly record struct GroupNote(GroupNoteKind Kind, string GroupId, int Generation, string Text);

internal enum GroupNoteKind
{
    RebalanceStarted,
    GenerationStarted,
    BecameStable,
    BecameEmpty,
    MemberRemoved,
    Removed,
    AppendFailed,
}

/// <summary>
/// What one step of the state machine wants done. The machine only says it; the runtime appends in the order of <see cref="Appends"/>, releases
/// <see cref="Answered"/> and writes <see cref="Notes"/>. Appends of one shard complete in the order they were made.
/// </summary>
internal sealed class Effects
{
    public List<PendingAppend> Appends { get; } = [];

    public List<Call> Answered { get; } = [];

    public List<GroupNote> Notes { get; } = [];

    /// <summary>Markers to write into partitions; their outcome comes back as an input.</summary>
    public List<MarkerWork> Markers { get; } = [];

    /// <summary>Lines about transactions.</summary>
    public List<TransactionNote> TransactionNotes { get; } = [];

    public void Append(IReadOnlyList<CoordinatorRecord> records, Appended then, TransactionalProducer? producer = null) =>
        Appends.Add(new PendingAppend(records, then, producer));

    public void Answer<T>(Call<T> call, T result)
        where T : class
    {
        call.Set(result);
        Answered.Add(call);
    }

    public void Note(GroupNoteKind kind, Group group, string text) => Notes.Add(new GroupNote(kind, RebalanceHistory.OneLine(group.Id), group.Generation, text));

    public void Clear()
    {
        Appends.Clear();
        Answered.Clear();
        Notes.Clear();
        Markers.Clear();
        TransactionNotes.Clear();
    }
}
