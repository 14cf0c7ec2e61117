using Confluent.Kafka;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>
/// One story for every client: it commits, aborts, moves offsets, reads, is fenced and times out; and the broker is killed in each state of its transactions.
/// A client is one process, and a kill is for all states that wait of themselves, so that ages of clients cost little.
/// </summary>
public sealed class TransactionalClientsTests(ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>Enough for a kill to come while their markers are being written.</summary>
    private const int Partitions = 200;

    /// <summary>Of kills until one comes between the decision and the last marker.</summary>
    private const int MostAttempts = 20;

    /// <summary>Behind everything a story writes.</summary>
    private const string Last = "last";

    private IServerUnderTest _server = null!;
    private TransactionalAgent _agent = null!;

    public async Task InitializeAsync() => _server = await ServerUnderTest.StartAsync("group.initial.rebalance.delay.ms=0", "transaction.abort.timed.out.transaction.cleanup.interval.ms=200");

    public async Task DisposeAsync()
    {
        if (_agent is not null)
        {
            await _agent.DisposeAsync();
        }

        await _server.DisposeAsync();
    }

    [Fact]
    public Task Confluent_Kafka() => RunAsync(new ConfluentAgent(_server.Bootstrap));

    [Fact]
    public Task Kafkajs() => RunAsync(new ProcessAgent("kafkajs", Command.Start("node", [Path.Combine(Repository.Clients, "node", "transactions.js"), _server.Bootstrap])));

    [KafkaTheory]
    [InlineData("2.8")]
    [InlineData("3.9")]
    [InlineData("4.3")]
    public async Task Java_clients_of_three_ages(string version)
    {
        string source = await File.ReadAllTextAsync(Path.Combine(Repository.Clients, "java", "TransactionalAgent.java"));
        using JavaProgram program = await JavaProgram.CompileAsync("TransactionalAgent", source, against: "2.8");
        await RunAsync(new ProcessAgent($"Java {version}", program.Start(version, _server.Bootstrap)));
    }

    private async Task RunAsync(TransactionalAgent agent)
    {
        _agent = agent;
        // As in any application's life there was a group before: kafkajs does not wait while a fresh server makes the topic of the groups.
        await CreateAsync("input", 1);
        TransactionalClient.Committed(_server.Bootstrap, "before", new TopicPartition("input", 0), IsolationLevel.ReadCommitted);
        await CommitAndAbortAsync();
        await FenceAsync();
        await TimeOutAsync();
        await KillWhileClientsWaitAsync();
        await KillWhilePreparedAsync(commit: true);
        await KillWhilePreparedAsync(commit: false);
    }

    private async Task CommitAndAbortAsync()
    {
        await CreateAsync("plain", 1);
        await _agent.StartAsync("p", "plain");
        await OneAsync("p", "plain", "committed", commit: true);
        await OneAsync("p", "plain", "aborted", commit: false);

        await _agent.BeginAsync("p");
        await _agent.SendAsync("p", "plain", "copied-in-vain");
        await _agent.OffsetAsync("p", "movers", "input", 5);
        await _agent.EndAsync("p", commit: false);
        Assert.Equal("none", await _agent.CommittedAsync("movers", "input"));
        await _agent.BeginAsync("p");
        await _agent.SendAsync("p", "plain", "copied");
        await _agent.OffsetAsync("p", "movers", "input", 7);
        await _agent.EndAsync("p", commit: true);
        Assert.Equal("7", await _agent.CommittedAsync("movers", "input"));
        await AssertReadAsync("plain", ["committed", "copied"], ["committed", "aborted", "copied-in-vain", "copied"]);
    }

    private async Task FenceAsync()
    {
        await CreateAsync("fencing", 1);
        await _agent.StartAsync("zombie", "fencing");
        await _agent.BeginAsync("zombie");
        await _agent.SendAsync("zombie", "fencing", "of-the-zombie");
        await _agent.StartAsync("successor", "fencing");
        await _agent.BeginAsync("successor");
        await _agent.SendAsync("successor", "fencing", "of-the-successor");
        AssertFenced(await _agent.FailToCommitAsync("zombie"));
        await _agent.EndAsync("successor", commit: true);
        await AssertReadAsync("fencing", ["of-the-successor"], ["of-the-zombie", "of-the-successor"]);
    }

    private async Task TimeOutAsync()
    {
        await CreateAsync("timeout", 1);
        await _agent.StartAsync("sleepy", "timeout", timeoutMs: 1000);
        await _agent.BeginAsync("sleepy");
        await _agent.SendAsync("sleepy", "timeout", "too-late");
        var at = new TopicPartition("timeout", 0);
        await Eventually.TrueAsync(() => TransactionalClient.EndOffset(_server.Bootstrap, at, IsolationLevel.ReadCommitted) == 2, "the timeout ends the transaction");
        output.WriteLine($"after the timeout: {await _agent.FailToCommitAsync("sleepy")}");
        await _agent.StartAsync("awake", "timeout");
        await OneAsync("awake", "timeout", "in-time", commit: true);
        await AssertReadAsync("timeout", ["in-time"], ["too-late", "in-time"]);
    }

    /// <summary>
    /// One kill in all states that last until the client goes on: begun, with partitions, with offsets, complete. Then each client ends its transaction or
    /// another instance takes its place.
    /// </summary>
    private async Task KillWhileClientsWaitAsync()
    {
        string[] names = ["begun", "open-commit", "open-abort", "open-fenced", "offsets-commit", "offsets-abort", "offsets-fenced", "complete-commit", "complete-abort", "complete-fenced"];
        foreach (string name in names)
        {
            await CreateAsync(name, 1);
            await _agent.StartAsync(name, Id(name));
            if (name.StartsWith("complete", StringComparison.Ordinal))
            {
                await OneAsync(name, name, "before", commit: name != "complete-abort");
                continue;
            }

            await _agent.BeginAsync(name);
            if (name != "begun")
            {
                await _agent.SendAsync(name, name, "before");
            }

            if (name.StartsWith("offsets", StringComparison.Ordinal))
            {
                await _agent.OffsetAsync(name, name, "input", 5);
            }
        }

        await _server.KillAsync();
        Assert.Equal(
            ["Empty", "Ongoing", "Ongoing", "Ongoing", "Ongoing", "Ongoing", "Ongoing", "CompleteCommit", "CompleteAbort", "CompleteCommit"],
            names.Select(name => StoredTransactions.StateOf(_server.DataDirectory, Id(name))));
        await _server.RestartAsync();
        foreach (string name in names)
        {
            bool isComplete = name.StartsWith("complete", StringComparison.Ordinal);
            if (name.EndsWith("-fenced", StringComparison.Ordinal))
            {
                await _agent.StartAsync($"{name}-next", Id(name));
                await OneAsync($"{name}-next", name, "of-the-successor", commit: true);
                if (isComplete)
                {
                    await _agent.BeginAsync(name);
                }

                // A producer whose transaction was complete finds out when it sends the first record of the next.
                AssertFenced(isComplete ? await FailToSendAndCommitAsync(name) : await _agent.FailToCommitAsync(name));
                continue;
            }

            if (isComplete)
            {
                await _agent.BeginAsync(name);
            }

            await _agent.SendAsync(name, name, "after");
            await _agent.EndAsync(name, commit: !name.EndsWith("-abort", StringComparison.Ordinal));
        }

        await AssertReadAsync("begun", ["after"], ["after"]);
        await AssertReadAsync("open-commit", ["before", "after"], ["before", "after"]);
        await AssertReadAsync("open-abort", [], ["before", "after"]);
        await AssertReadAsync("open-fenced", ["of-the-successor"], ["before", "of-the-successor"]);
        await AssertReadAsync("offsets-commit", ["before", "after"], ["before", "after"]);
        await AssertReadAsync("offsets-abort", [], ["before", "after"]);
        await AssertReadAsync("complete-commit", ["before", "after"], ["before", "after"]);
        await AssertReadAsync("complete-abort", [], ["before", "after"]);
        await AssertReadAsync("complete-fenced", ["before", "of-the-successor"], ["before", "of-the-successor"]);
        Assert.Equal("5", await _agent.CommittedAsync("offsets-commit", "input"));
        Assert.Equal("none", await _agent.CommittedAsync("offsets-abort", "input"));
        Assert.Equal("none", await _agent.CommittedAsync("offsets-fenced", "input"));
    }

    /// <summary>The kill comes when the decision is in the log and most markers are not. The call of the client goes on meanwhile.</summary>
    private async Task KillWhilePreparedAsync(bool commit)
    {
        string state = commit ? "PrepareCommit" : "PrepareAbort";
        await CreateAsync(state, Partitions);
        await _agent.StartAsync(state, Id(state));
        var committed = new List<string>();
        var met = new List<string>();
        while (!met.Contains(state) && met.Count < MostAttempts)
        {
            string value = $"attempt-{met.Count}";
            await _agent.BeginAsync(state);
            await _agent.SendAsync(state, state, value, Partitions);
            Task<bool> ended = Task.Run(() => _agent.EndAcrossKillAsync(state, commit));
            StoredTransactions.WaitFor(_server.DataDirectory, Id(state), state, ended);
            await _server.KillAsync();
            met.Add(StoredTransactions.StateOf(_server.DataDirectory, Id(state)));
            await _server.RestartAsync();
            bool isAnswered = await ended;
            if (!isAnswered)
            {
                // As an application has to: the next producer of the id ends what was decided, and aborts what was not.
                await _agent.StartAsync(state, Id(state));
            }

            if (commit && (isAnswered || met[^1] == state || met[^1] == "CompleteCommit"))
            {
                committed.Add(value);
            }
        }

        output.WriteLine(string.Join(", ", met));
        Assert.Contains(state, met);
        await OneAsync(state, state, "after", commit: true, Partitions);
        await _agent.StartAsync($"{state}-next", Id(state));
        await OneAsync($"{state}-next", state, "of-the-successor", commit: true, Partitions);
        string[] expected = [.. Enumerable.Repeat((string[])[.. committed, "after", "of-the-successor"], Partitions).SelectMany(values => values)];
        // The answer to EndTxn comes before the markers.
        await Eventually.TrueAsync(() => StoredRecords.Values(_server.Bootstrap, state, Partitions, IsolationLevel.ReadCommitted).SequenceEqual(expected), $"every partition has what was committed, {_agent}");
    }

    /// <summary>No topic is called so, which makes it easy to find in the records.</summary>
    private static string Id(string name) => $"id-of-{name}";

    private Task CreateAsync(string topic, int partitions) => new ConfluentDotnet().CreateTopicAsync(_server.Bootstrap, topic, partitions);

    private async Task OneAsync(string handle, string topic, string value, bool commit, int partitions = 1)
    {
        await _agent.BeginAsync(handle);
        await _agent.SendAsync(handle, topic, value, partitions);
        await _agent.EndAsync(handle, commit);
    }

    private async Task<string> FailToSendAndCommitAsync(string handle)
    {
        // Some clients say it at once, and may have nothing to commit then; some only say that the record was dropped.
        string sent = await _agent.TrySendAsync(handle, handle, "late");
        return IsFenced(sent) ? sent : $"{sent}, then {await _agent.FailToCommitAsync(handle)}";
    }

    private void AssertFenced(string answer)
    {
        output.WriteLine($"{_agent}: {answer}");
        Assert.True(IsFenced(answer), answer);
    }

    /// <summary>By the name that the version of its requests gives it.</summary>
    private static bool IsFenced(string answer) =>
        Array.Exists(["Fenced", "FENCED", "InvalidProducerEpoch", "INVALID_PRODUCER_EPOCH"], name => answer.Contains(name, StringComparison.Ordinal));

    /// <summary>The client itself reads these, and so does another one.</summary>
    private async Task AssertReadAsync(string topic, string[] committed, string[] all)
    {
        using (IProducer<string, string> plain = TransactionalClient.Plain(_server.Bootstrap))
        {
            await plain.WriteAsync(new TopicPartition(topic, 0), Last);
        }

        Assert.Equal((string[])[.. committed, Last], await _agent.ReadAsync(topic, committedOnly: true, Last));
        Assert.Equal((string[])[.. all, Last], await _agent.ReadAsync(topic, committedOnly: false, Last));
        Assert.Equal([.. committed, Last], StoredRecords.Values(_server.Bootstrap, topic, 1, IsolationLevel.ReadCommitted));
    }
}
