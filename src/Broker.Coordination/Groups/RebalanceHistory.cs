using System.Text;

namespace Broker.Coordination;

/// <summary>Why and when a group last began to rebalance.</summary>
/// <param name="UnixMs">Wall-clock time.</param>
/// <param name="Generation">The generation that ended.</param>
/// <param name="Reason">Who and why, with the client's own reason where it gave one; one line.</param>
public readonly record struct RebalanceEntry(long UnixMs, int Generation, string Reason);

/// <summary>The last few rebalances of a group, newest last.</summary>
internal sealed class RebalanceHistory
{
    /// <summary>Enough to see a loop; about 2 KB a group at most.</summary>
    private const int Kept = 8;

    /// <summary>Reasons hold texts of clients (Kafka's own client cuts its reasons at 255): longer ones are cut.</summary>
    private const int MaxReasonLength = 512;

    private readonly Queue<RebalanceEntry> _entries = new(0);

    public IReadOnlyCollection<RebalanceEntry> Entries => _entries;

    public void Add(RebalanceEntry entry)
    {
        if (_entries.Count == Kept)
        {
            _entries.Dequeue();
        }
        _entries.Enqueue(entry);
    }

    /// <summary>One printable line, whatever a client put into its ids and reasons.</summary>
    public static string OneLine(string reason)
    {
        var line = new StringBuilder(Math.Min(reason.Length, MaxReasonLength));
        foreach (char c in reason)
        {
            if (line.Length == MaxReasonLength)
            {
                break;
            }
            line.Append(char.IsControl(c) ? '?' : c);
        }
        return line.ToString();
    }
}
