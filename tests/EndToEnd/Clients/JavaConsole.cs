namespace Broker.EndToEnd;

/// <summary>The console tools of a released Apache Kafka.</summary>
internal sealed class JavaConsole(string version) : RealClient($"java-{version}")
{
    /// <summary>Before 2.x the tools did not know zstd, and took other options.</summary>
    private readonly bool _old = version == "0.10";

    public override IReadOnlyList<string> Codecs => _old ? ["none", "gzip", "snappy", "lz4"] : base.Codecs;

    public override async Task CreateTopicAsync(string bootstrap, string topic, int partitions)
    {
        // The topic tools of 0.10 talk to ZooKeeper only; its producer creates topics by asking for them.
        string tools = _old ? "3.9" : version;
        (await new KafkaTool(tools, bootstrap).RunAsync("topics", $"--create --topic {topic} --partitions {partitions}")).Succeeded();
    }

    public override async Task ProduceAsync(string bootstrap, string topic, string codec, IReadOnlyList<string> lines)
    {
        string arguments = _old
            ? $"--broker-list {bootstrap} --topic {topic} --compression-codec {codec} --request-required-acks -1 --timeout 100"
            : $"--bootstrap-server {bootstrap} --topic {topic} --compression-codec {codec}";
        CommandResult result = (await new KafkaTool(version, bootstrap).RunBareAsync("console-producer", arguments, Text(lines))).Succeeded();
        // The producer tool ends with 0 whatever happened to the records; it complains on its output.
        Assert.DoesNotContain("ERROR", result.Output + result.Error, StringComparison.Ordinal);
    }

    public override async Task<IReadOnlyList<string>> ConsumeAsync(string bootstrap, string topic, string group, int count)
    {
        string arguments = _old
            ? $"--new-consumer --bootstrap-server {bootstrap} --topic {topic} --from-beginning --max-messages {count} --consumer-property group.id={group}"
            : $"--bootstrap-server {bootstrap} --topic {topic} --from-beginning --max-messages {count} --group {group}";
        return (await new KafkaTool(version, bootstrap).RunBareAsync("console-consumer", arguments)).Succeeded().Lines;
    }
}
