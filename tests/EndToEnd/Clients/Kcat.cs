namespace Broker.EndToEnd;

/// <summary>kcat, on librdkafka from Debian.</summary>
internal sealed class Kcat() : RealClient("kcat")
{
    public override async Task CreateTopicAsync(string bootstrap, string topic, int partitions) =>
        // kcat has no admin commands: asking for a topic's metadata creates it.
        (await Command.RunAsync("kcat", ["-b", bootstrap, "-L", "-t", topic, "-X", "allow.auto.create.topics=true"])).Succeeded();

    public override async Task ProduceAsync(string bootstrap, string topic, string codec, IReadOnlyList<string> lines) =>
        (await Command.RunAsync("kcat", ["-b", bootstrap, "-P", "-t", topic, "-z", codec, "-X", "acks=all"], Text(lines))).Succeeded();

    public override async Task<IReadOnlyList<string>> ConsumeAsync(string bootstrap, string topic, string group, int count) =>
        (await Command.RunAsync("kcat", ["-b", bootstrap, "-q", "-c", $"{count}", "-X", "auto.offset.reset=earliest", "-f", "%s\\n", "-G", group, topic])).Succeeded().Lines;
}
