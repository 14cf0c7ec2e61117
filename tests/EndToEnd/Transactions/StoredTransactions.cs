using System.Text;

namespace Broker.EndToEnd;

/// <summary>Reads from the files of <c>__transaction_state</c>, while no broker runs, in which state a transaction was left.</summary>
internal static class StoredTransactions
{
    private static readonly string[] States = ["Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead", "PrepareEpochFence"];

    /// <summary>The state in the last record of the id. The records are not compressed, so that the id stands in them as it is.</summary>
    public static string StateOf(string dataDirectory, string transactionalId)
    {
        byte[] id = Encoding.UTF8.GetBytes(transactionalId);
        foreach (string file in Files(dataDirectory))
        {
            ReadOnlySpan<byte> log = File.ReadAllBytes(file);
            int at = log.LastIndexOf(id);
            if (at >= 0)
            {
                return State(log[(at + id.Length)..]);
            }
        }

        return "none";
    }

    /// <summary>
    /// Ends when the last record of the id says <paramref name="state"/>, or with <paramref name="end"/>. The id has records already, and looks all the time:
    /// what it waits for may last a millisecond.
    /// </summary>
    public static void WaitFor(string dataDirectory, string transactionalId, string state, Task end)
    {
        byte[] id = Encoding.UTF8.GetBytes(transactionalId);
        string file = Files(dataDirectory).First(f => File.ReadAllBytes(f).AsSpan().IndexOf(id) >= 0);
        while (!end.IsCompleted)
        {
            ReadOnlySpan<byte> log = File.ReadAllBytes(file);
            ReadOnlySpan<byte> rest = log[(log.LastIndexOf(id) + id.Length)..];
            // The last record may be there in part only.
            if (rest.Length > 32 && State(rest) == state)
            {
                return;
            }
        }
    }

    private static IEnumerable<string> Files(string dataDirectory) =>
        Directory.GetDirectories(dataDirectory, "__transaction_state-*").SelectMany(d => Directory.GetFiles(d, "*.log")).OrderDescending(StringComparer.Ordinal);

    /// <summary>Behind the key: the length of the value as a varint; version, producer id, epoch, timeout, state.</summary>
    private static string State(ReadOnlySpan<byte> rest)
    {
        int length = 0;
        while ((rest[length] & 0x80) != 0)
        {
            length++;
        }

        return States[rest[length + 1 + 2 + 8 + 2 + 4]];
    }
}
