namespace Broker.Storage.Tests;

/// <summary>A batch that a consumer took.</summary>
internal sealed record HeldBatch(long First, long Last, int Epoch, IReadOnlyList<StoredRecord> Records);

/// <summary>Everything that a log answers.</summary>
internal sealed class HeldLog
{
    public long Start { get; init; }

    public long End { get; init; }

    public List<HeldBatch> Batches { get; } = [];

    /// <summary>Offsets at which the log refused, or a consumer would have.</summary>
    public List<long> Refusals { get; } = [];

    /// <summary>Of those, the ones where bytes were served that a consumer refuses by their checksum.</summary>
    public List<long> BadBytes { get; } = [];

    public IReadOnlyList<AbortedTransaction> Aborted { get; set; } = [];

    public IReadOnlyList<string> Producers { get; set; } = [];

    public IEnumerable<StoredRecord> Records => Batches.SelectMany(b => b.Records).Where(r => r.Offset >= Start);

    /// <summary>Where a consumer goes on behind a place that it cannot read.</summary>
    public long NextBehind(long offset) => Batches.Where(b => b.First > offset).Select(b => b.First).DefaultIfEmpty(End).First();
}
