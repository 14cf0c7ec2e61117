namespace Broker.EndToEnd;

/// <summary>
/// A client under test that does with transactions what it is told, word by word, so that one story is told to every client. One command at a time.
/// Producers are called by a handle; a new handle with the same transactional id is a new instance of the application.
/// </summary>
internal abstract class TransactionalAgent : IAsyncDisposable
{
    /// <summary>Makes a producer and calls its initTransactions.</summary>
    public Task StartAsync(string handle, string transactionalId, int timeoutMs = 60_000) => DoAsync("start", handle, transactionalId, $"{timeoutMs}");

    public Task BeginAsync(string handle) => DoAsync("begin", handle);

    /// <summary>Writes the value to partition 0 and so on, and waits until all have it.</summary>
    public Task SendAsync(string handle, string topic, string value, int partitions = 1) => DoAsync("send", handle, topic, $"{partitions}", value);

    /// <summary>The same when it need not succeed: the answer.</summary>
    public Task<string> TrySendAsync(string handle, string topic, string value) => AskAsync("send", handle, topic, "1", value);

    /// <summary>Sends the group's offset of partition 0.</summary>
    public Task OffsetAsync(string handle, string group, string topic, long offset) => DoAsync("offset", handle, group, topic, $"{offset}");

    public Task EndAsync(string handle, bool commit) => DoAsync(commit ? "commit" : "abort", handle);

    /// <summary>The same while the broker dies. False when the client gives up because its connection was closed: kafkajs does not ask again.</summary>
    public async Task<bool> EndAcrossKillAsync(string handle, bool commit)
    {
        string word = commit ? "commit" : "abort";
        string answer = await AskAsync(word, handle);
        bool isOk = answer == "ok";
        Assert.True(isOk || answer.Contains("KafkaJSConnectionClosedError", StringComparison.Ordinal), $"{this}: {word} {handle} is answered with '{answer}'");
        return isOk;
    }

    /// <summary>What the client says to a commit that it must not be able to make.</summary>
    public async Task<string> FailToCommitAsync(string handle)
    {
        string answer = await AskAsync("commit", handle);
        Assert.True(answer.StartsWith("error ", StringComparison.Ordinal), $"{this}: commit of {handle} is answered with '{answer}'");
        return answer;
    }

    /// <summary>The values of partition 0 up to the first that is <paramref name="last"/>.</summary>
    public async Task<string[]> ReadAsync(string topic, bool committedOnly, string last) =>
        (await DoAsync("read", topic, committedOnly ? "committed" : "all", last)).Split(',');

    /// <summary>The group's offset of partition 0, or none.</summary>
    public Task<string> CommittedAsync(string group, string topic) => DoAsync("committed", group, topic);

    public abstract ValueTask DisposeAsync();

    /// <summary>Answers "ok", perhaps with something behind it, or "error" and what the client called it.</summary>
    protected abstract Task<string> AskAsync(params string[] words);

    private async Task<string> DoAsync(params string[] words)
    {
        string answer = await AskAsync(words);
        Assert.True(answer == "ok" || answer.StartsWith("ok ", StringComparison.Ordinal), $"{this}: {string.Join(' ', words)} is answered with '{answer}'");
        return answer.Length > 3 ? answer[3..] : "";
    }
}
