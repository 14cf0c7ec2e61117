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
        foreach (string file in Directory.GetDirectories(dataDirectory, "__transaction_state-*").SelectMany(d => Directory.GetFiles(d, "*.log")).OrderDescending(StringComparer.Ordinal))
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
