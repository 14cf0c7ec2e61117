using System.Text.RegularExpressions;
using Confluent.Kafka;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary><c>kafka-transactions.sh</c> prints against this broker what it prints against Kafka 3.9, times aside, and its abort ends a hanging transaction.</summary>
public sealed partial class TransactionToolsTests(ITestOutputHelper output)
{
    private const string Topic = "events";

    [KafkaFact]
    public async Task The_tool_prints_the_same_as_against_kafka()
    {
        // Without verification a producer can leave a transaction that no coordinator knows, which is what the tool is for.
        const string Unverified = "transaction.partition.verification.enable=false";
        await using BrokerProcess broker = await BrokerProcess.StartAsync(Unverified);
        await using OracleKafka kafka = await OracleKafka.StartAsync("3.9", Unverified);
        List<string>[] transcripts = await Task.WhenAll(RunAsync(broker), RunAsync(kafka));
        output.WriteLine(string.Join("\n\n", transcripts[1]));
        Assert.Equal(transcripts[1], transcripts[0]);
    }

    /// <summary>What the tool of Kafka 4.3 prints against Kafka 4.3 in the same situations; the reason of a refusal is the server's own.</summary>
    [KafkaFact]
    public async Task Features_are_shown_lowered_and_raised_as_with_kafka()
    {
        await using BrokerProcess broker = await BrokerProcess.StartAsync();
        await AssertAsync("describe", "Feature: transaction.version SupportedMinVersion: 0 SupportedMaxVersion: 2 FinalizedVersionLevel: 2 Epoch: N");
        await AssertAsync("downgrade --feature transaction.version=1", "transaction.version was downgraded to 1.");
        await AssertAsync("upgrade --feature transaction.version=2 --dry-run", "transaction.version can be upgraded to 2.");
        await AssertAsync("downgrade --feature transaction.version=2", "Could not downgrade transaction.version to 2. REASON", "1 out of 1 operation(s) failed.");
        await AssertAsync("upgrade --feature transaction.version=9", "Could not upgrade transaction.version to 9. REASON", "1 out of 1 operation(s) failed.");
        await AssertAsync("upgrade --feature odd.version=1", "Could not upgrade odd.version to 1. REASON", "1 out of 1 operation(s) failed.");
        await AssertAsync("upgrade --feature transaction.version=2", "transaction.version was upgraded to 2.");
        await AssertAsync("upgrade --feature transaction.version=1", "Could not upgrade transaction.version to 1. REASON", "1 out of 1 operation(s) failed.");
        await AssertAsync("disable --feature transaction.version", "transaction.version was disabled.");
        await AssertAsync("describe", "Feature: transaction.version SupportedMinVersion: 0 SupportedMaxVersion: 2 FinalizedVersionLevel: 0 Epoch: N");

        async Task AssertAsync(string command, params string[] expected)
        {
            CommandResult result = await new KafkaTool("4.3", broker.Bootstrap).RunAsync("features", command);
            string[] lines = [.. result.Lines.Concat(result.Error.Split('\n')).Select(line => Reason().Replace(Epoch().Replace(Blanks().Replace(line, " "), "Epoch: N"), "$1 REASON").Trim()).Where(line => line.Length > 0)];
            Assert.True(expected.SequenceEqual(lines), $"{command} printed\n{result.Output}{result.Error}");
            Assert.Equal(expected.Length > 1 ? 1 : 0, result.ExitCode);
        }
    }

    private static async Task<List<string>> RunAsync(IServerUnderTest server)
    {
        var transcript = new List<string>();
        await new ConfluentDotnet().CreateTopicAsync(server.Bootstrap, Topic, 1);
        var partition = new TopicPartition(Topic, 0);
        using IProducer<string, string> done = TransactionalClient.Start(server.Bootstrap, "done");
        done.BeginTransaction();
        await done.WriteAsync(partition, "done");
        done.Commit();
        await AskAsync("list");
        await AskAsync("describe --transactional-id missing");
        await AskAsync("find-hanging --broker-id 0");

        using IProducer<string, string> open = TransactionalClient.Start(server.Bootstrap, "open");
        open.BeginTransaction();
        await open.WriteAsync(partition, "open");
        await AskAsync("list");
        await AskAsync("describe --transactional-id done");
        await AskAsync("describe --transactional-id open");
        await AskAsync("describe-producers --topic events --partition 0");
        open.Commit();

        using (RawConnection connection = await RawConnection.OpenAsync(server.Port))
        {
            var lost = new RawProducer("lost", Topic);
            await lost.InitAsync(connection);
            Assert.Equal(0, await lost.ProduceOldAsync(connection, "lost", lost.Epoch, 0));
            long hangs = await lost.EndOffsetAsync(connection, stable: true);
            Assert.True(hangs < await lost.EndOffsetAsync(connection, stable: false));
            await AskAsync("find-hanging --broker-id 0");
            await AskAsync("find-hanging --topic events --partition 0");
            await AskAsync($"abort --topic events --partition 0 --start-offset {hangs}");
            Assert.Equal(await lost.EndOffsetAsync(connection, stable: false), await lost.EndOffsetAsync(connection, stable: true));
        }

        await AskAsync("find-hanging --broker-id 0");
        await AskAsync("describe-producers --topic events --partition 0");
        Assert.Equal(["done", "open"], StoredRecords.Values(server.Bootstrap, Topic, 1, IsolationLevel.ReadCommitted));
        return transcript;

        async Task AskAsync(string command)
        {
            CommandResult result = await new KafkaTool("3.9", server.Bootstrap).RunAsync("transactions", command);
            transcript.Add($"kafka-transactions {command}\n{Normalise(command, result.Output + result.Error)}");
        }
    }

    /// <summary>Takes out moments, durations, stack traces, the widths of columns and the order of what is listed.</summary>
    private static string Normalise(string command, string text) => string.Join('\n', text.Split('\n')
        .Where(line => !line.StartsWith("\tat ", StringComparison.Ordinal))
        .Select(line => Blanks().Replace(line, " ").Trim())
        .Where(line => line.Length > 0)
        .Select(line => Moment().Replace(line, "TIME"))
        .Select(line => command.StartsWith("describe --", StringComparison.Ordinal) ? Duration().Replace(line, "TIME DURATION") : line)
        .Select(line => command.StartsWith("find-hanging", StringComparison.Ordinal) ? LastNumber().Replace(line, "TIME DURATION") : line)
        .OrderBy(line => command == "list" ? line : "", StringComparer.Ordinal));

    [GeneratedRegex(@"Epoch: \d+")]
    private static partial Regex Epoch();

    [GeneratedRegex(@"^(Could not \w+ \S+ to \d+\.) .+$")]
    private static partial Regex Reason();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(@"\b\d{13}\b")]
    private static partial Regex Moment();

    [GeneratedRegex(@"TIME \d+")]
    private static partial Regex Duration();

    [GeneratedRegex(@"TIME \d+$")]
    private static partial Regex LastNumber();
}
