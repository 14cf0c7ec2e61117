namespace Broker.EndToEnd;

/// <summary>Kafka's own inspection of log directories, <c>kafka-dump-log.sh</c>, and what it finds fault with.</summary>
internal static class DumpLog
{
    private static readonly string[] Words = ["ismatch", "orrupt", "isvalid: false", "Exception", "Non-consecutive", "not found", "Could not"];

    public static async Task<CommandResult> RunAsync(string arguments) =>
        (await new KafkaTool("3.9", "").RunBareAsync("dump-log", arguments, timeout: TimeSpan.FromMinutes(2))).Succeeded();

    public static async Task<IReadOnlyList<string>> ComplaintsAsync(string arguments) => Complaints(await RunAsync(arguments));

    /// <summary>The lines that complain, with the one after, which says where and what.</summary>
    public static IReadOnlyList<string> Complaints(CommandResult dumped)
    {
        string[] lines = [.. dumped.Lines, .. dumped.Error.Split('\n')];
        return [.. Enumerable.Range(0, lines.Length).Where(i => Words.Any(word => lines[i].Contains(word, StringComparison.Ordinal)))
            .Select(i => $"{lines[i]} {lines.ElementAtOrDefault(i + 1)}")];
    }
}
