namespace Broker.Storage.Tests;

/// <summary>What a compacted log must still hold: every batch that was appended, in a list.</summary>
internal sealed class CleaningModel
{
    private readonly List<Batch> _batches = [];
    private readonly Dictionary<long, Producer> _producers = [];

    // What was cut off may have been why earlier batches of its producers, or the first ones of a transaction that is open again, were cleaned away: a crash
    // that has no snapshot of the time before finds less of them.
    private bool _hasCut;

    public long Start { get; private set; }

    public long End { get; private set; }

    public Batch? LastOf(long producerId) => _batches.LastOrDefault(b => b.ProducerId == producerId && b.Records.Length > 0);

    public int NextSequence(long producerId) => _producers.GetValueOrDefault(producerId)?.LastSequence + 1 ?? 0;

    public bool IsOpen(long producerId) => _producers.GetValueOrDefault(producerId)?.OpenSince >= 0;

    public void Append(long producerId, bool isTransactional, (string Key, string? Value)[] records)
    {
        int sequence = NextSequence(producerId);
        _batches.Add(new Batch(End, End + records.Length - 1, producerId, sequence, isTransactional, null, records));
        if (producerId >= 0)
        {
            Producer known = _producers.GetValueOrDefault(producerId) ?? new Producer(-1, -1);
            _producers[producerId] = new Producer(sequence + records.Length - 1, isTransactional && known.OpenSince < 0 ? End : known.OpenSince);
        }

        End += records.Length;
    }

    public void EndTransaction(long producerId, bool isCommit)
    {
        _batches.Add(new Batch(End, End, producerId, -1, true, isCommit, []));
        _producers[producerId] = (_producers.GetValueOrDefault(producerId) ?? new Producer(-1, -1)) with { OpenSince = -1 };
        End++;
    }

    /// <summary>What was appended last was refused.</summary>
    public void RemoveLast()
    {
        Batch last = _batches[^1];
        _batches.RemoveAt(_batches.Count - 1);
        End = last.First;
        _producers.Remove(last.ProducerId);
        foreach (Batch batch in _batches.Where(b => b.ProducerId == last.ProducerId && last.ProducerId >= 0))
        {
            Producer known = _producers.GetValueOrDefault(batch.ProducerId) ?? new Producer(-1, -1);
            _producers[batch.ProducerId] = batch.IsCommit is not null
                ? known with { OpenSince = -1 }
                : new Producer(batch.Sequence + batch.Records.Length - 1, batch.IsTransactional && known.OpenSince < 0 ? batch.First : known.OpenSince);
        }
    }

    /// <summary>Where the log ends when the batch that holds the offset and all later ones go.</summary>
    public long AlignedDown(long offset) => _batches.Find(b => b.Last >= offset)?.First ?? End;

    /// <summary>Whether a transaction with records below one offset ends at or above another, or not at all.</summary>
    public bool HasTransactionAcross(long below, long at)
    {
        for (int i = 0; i < _batches.Count && _batches[i].First < below; i++)
        {
            Batch batch = _batches[i];
            if (batch is { IsTransactional: true, IsCommit: null } && !(_batches.Skip(i + 1).FirstOrDefault(b => b.ProducerId == batch.ProducerId && b.IsCommit is not null)?.Last < at))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>After a crash: a producer of whom nothing is left above the log start may be forgotten, when no snapshot knew it.</summary>
    public void ForgetDeletedProducers(PartitionLog log)
    {
        if (_hasCut)
        {
            TakeProducers(log);
            return;
        }

        HashSet<long> known = [.. log.Producers().Select(p => p.ProducerId)];
        foreach (long producerId in _producers.Keys.Where(p => !known.Contains(p)).ToArray())
        {
            Assert.DoesNotContain(_batches, b => b.ProducerId == producerId && b.Last >= Start);
            _producers.Remove(producerId);
        }
    }

    public void DeleteBelow(long offset) => Start = Math.Max(Start, offset);

    /// <summary>
    /// After a truncation. Above the cleaned part nothing is gone that should be there; inside it records that a later, now removed one replaced are gone for good,
    /// so the log itself says what is left of them.
    /// </summary>
    public void TruncateTo(long offset, PartitionLog log, bool isInCleanedPart)
    {
        _hasCut = true;
        _batches.RemoveAll(b => b.Last >= offset);
        Assert.True(log.LogEndOffset <= Math.Max(offset, Start));
        End = log.LogEndOffset;
        if (isInCleanedPart)
        {
            HashSet<long> present = [.. StoredBatch.All(log).SelectMany(b => b.Records).Select(r => r.Offset)];
            for (int i = 0; i < _batches.Count; i++)
            {
                Batch batch = _batches[i];
                _batches[i] = batch with { Lost = [.. batch.Records.Select((_, n) => batch.First + n).Where(o => !present.Contains(o))] };
            }
        }

        TakeProducers(log);
    }

    /// <summary>
    /// What must hold of what a crash left: it ends between two offsets and shows nothing but what was appended and not aborted. Below the first offset, which was promised, it has
    /// the newest record of each key or, for a tombstone, none, and everything from the offset on where nothing was ever cleaned. Above it there may be holes, because nothing tells
    /// what a power cut took of a compacted log from what a cleaner did.
    /// </summary>
    public void CheckAfterCrash(PartitionLog log, LogFiles files, long minEnd, long cleaned, long maxStart)
    {
        Assert.InRange(log.LogEndOffset, minEnd, End);
        Assert.True(log.LogStartOffset <= maxStart, $"log start {log.LogStartOffset} <= {maxStart}");
        List<StoredRecord> seen = StoredBatch.Visible(log, files: files);
        Dictionary<long, (string Key, string? Value)> expected = Visible(log.LastStableOffset, log.LogStartOffset, log.LogEndOffset);
        foreach (StoredRecord record in seen)
        {
            Assert.True(expected.TryGetValue(record.Offset, out (string Key, string? Value) model), $"offset {record.Offset} must not be visible; promised to {minEnd}, recovery point {log.RecoveryPoint}, segments {string.Join(' ', log.Segments.Select(s => $"{s.BaseOffset}({s.Size})"))}; the log from {log.LogStartOffset} to {log.LogEndOffset}, stable to {log.LastStableOffset}, aborted {string.Join(' ', log.AbortedTransactions(0, long.MaxValue))}, has {Text(log, files)}");
            Assert.Equal(model, (record.Key!, record.Value));
        }

        // What was deleted may be back, but not whole.
        long start = Math.Max(Math.Max(log.LogStartOffset, Start), maxStart);
        HashSet<long> offsets = [.. seen.Select(r => r.Offset)];
        foreach ((string key, long offset) in LastOffsets(expected.Where(e => e.Key < minEnd).ToDictionary()))
        {
            if (seen.Exists(r => r.Key == key && r.Offset > offset))
            {
                continue;
            }

            bool isGoneTombstone = expected[offset].Value is null && !seen.Exists(r => r.Key == key && r.Offset >= start);
            Assert.True(offset < start || offsets.Contains(offset) || isGoneTombstone, $"the newest record of {key}, at {offset}, is there; the log from {log.LogStartOffset} to {log.LogEndOffset}, stable to {log.LastStableOffset}, has {Text(log, files)}");
        }

        long untouched = Math.Max(cleaned, start);
        Assert.Equal(expected.Keys.Where(o => o >= untouched && o < minEnd).Order(), offsets.Where(o => o >= untouched && o < minEnd).Order());
    }

    private static string Text(PartitionLog log, LogFiles files) => string.Join(
        ' ', StoredBatch.All(log, files: files).Select(b => $"[{b.BaseOffset}-{b.LastOffset} of {b.Header.ProducerId}: {string.Join(' ', b.Records.Select(r => $"{r.Offset}:{r.Key}{(r.Value is null ? "-" : "")}"))}]"));

    public void Check(PartitionLog log)
    {
        Assert.Equal(End, log.LogEndOffset);
        Assert.Equal(Start, log.LogStartOffset);
        List<StoredRecord> seen = StoredBatch.Visible(log);
        Dictionary<long, (string Key, string? Value)> expected = Visible(log.LastStableOffset);
        Dictionary<string, StoredRecord> lastSeen = [];
        foreach (StoredRecord record in seen)
        {
            Assert.True(expected.TryGetValue(record.Offset, out (string Key, string? Value) model), $"offset {record.Offset} must not be visible");
            Assert.Equal(model, (record.Key!, record.Value));
            lastSeen[record.Key!] = record;
        }

        foreach ((string key, long offset) in LastOffsets(expected))
        {
            StoredRecord? last = lastSeen.GetValueOrDefault(key);
            bool isGoneTombstone = last is null && expected[offset].Value is null;
            Assert.True(isGoneTombstone || last?.Offset == offset, $"last of {key} is at {last?.Offset.ToString() ?? "none"}, expected {offset}");
        }

        // Nothing has touched what lies above the cleaned part.
        long cleaned = Math.Max(log.CleanedUpTo, Start);
        Assert.Equal(expected.Keys.Where(o => o >= cleaned).Order(), seen.Select(r => r.Offset).Where(o => o >= cleaned));
        CheckProducers(log);
        CheckTimes(log);
    }

    public void TakeProducers(PartitionLog log)
    {
        _producers.Clear();
        foreach (ProducerInfo producer in log.Producers())
        {
            _producers[producer.ProducerId] = new Producer(producer.LastSequence, producer.CurrentTransactionStartOffset);
        }
    }

    private void CheckProducers(PartitionLog log)
    {
        Assert.Equal(
            [.. _producers.OrderBy(p => p.Key).Select(p => (p.Key, p.Value.LastSequence, p.Value.OpenSince))],
            log.Producers().OrderBy(p => p.ProducerId).Select(p => (p.ProducerId, p.LastSequence, p.CurrentTransactionStartOffset)).ToArray());
    }

    private static void CheckTimes(PartitionLog log)
    {
        List<StoredRecord> all = [.. StoredBatch.All(log).SelectMany(b => b.Records).Where(r => r.Offset >= log.LogStartOffset)];
        if (all.Count > 0)
        {
            long time = all[all.Count / 2].TimestampMs;
            Assert.Equal(all.First(r => r.TimestampMs >= time).Offset, log.OffsetForTimestamp(time)?.Offset);
        }
    }

    private Dictionary<long, (string Key, string? Value)> Visible(long stable) => Visible(stable, Start, End);

    private Dictionary<long, (string Key, string? Value)> Visible(long stable, long start, long end)
    {
        Dictionary<long, (string Key, string? Value)> visible = [];
        for (int i = 0; i < _batches.Count; i++)
        {
            Batch batch = _batches[i];
            if (batch.IsTransactional && !IsCommitted(i, end))
            {
                continue;
            }

            for (int n = 0; n < batch.Records.Length; n++)
            {
                long offset = batch.First + n;
                if (offset >= start && offset < stable && !batch.Lost.Contains(offset))
                {
                    visible[offset] = batch.Records[n];
                }
            }
        }

        return visible;
    }

    private bool IsCommitted(int index, long end) =>
        _batches.Skip(index + 1).FirstOrDefault(b => b.Last < end && b.ProducerId == _batches[index].ProducerId && b.IsCommit is not null)?.IsCommit == true;

    private static Dictionary<string, long> LastOffsets(Dictionary<long, (string Key, string? Value)> records)
    {
        Dictionary<string, long> last = [];
        foreach ((long offset, (string key, _)) in records)
        {
            last[key] = Math.Max(offset, last.GetValueOrDefault(key, -1));
        }

        return last;
    }

    /// <summary>Without records and with <paramref name="IsCommit"/>: a marker.</summary>
    internal sealed record Batch(long First, long Last, long ProducerId, int Sequence, bool IsTransactional, bool? IsCommit, (string Key, string? Value)[] Records)
    {
        public HashSet<long> Lost { get; init; } = [];
    }

    private sealed record Producer(int LastSequence, long OpenSince);
}
