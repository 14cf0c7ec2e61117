namespace Broker.EndToEnd;

/// <summary>kafka-python from Debian.</summary>
internal sealed class KafkaPython() : RealClient("kafka-python")
{
    private static readonly string Script = Path.Combine(Repository.Clients, "python", "client.py");

    public override async Task CreateTopicAsync(string bootstrap, string topic, int partitions) =>
        (await RunAsync(["create", bootstrap, topic, $"{partitions}"])).Succeeded();

    public override async Task ProduceAsync(string bootstrap, string topic, string codec, IReadOnlyList<string> lines) =>
        (await RunAsync(["produce", bootstrap, topic, codec], Text(lines))).Succeeded();

    public override async Task<IReadOnlyList<string>> ConsumeAsync(string bootstrap, string topic, string group, int count) =>
        (await RunAsync(["consume", bootstrap, topic, group, $"{count}"])).Succeeded().Lines;

    private static Task<CommandResult> RunAsync(string[] arguments, string? input = null) => Command.RunAsync("/usr/bin/python3", [Script, .. arguments], input);
}

/// <summary>kafkajs from the npm registry.</summary>
internal sealed class KafkaJs() : RealClient("kafkajs")
{
    private static readonly string Script = Path.Combine(Repository.Clients, "node", "client.js");

    public override async Task CreateTopicAsync(string bootstrap, string topic, int partitions) =>
        (await RunAsync(["create", bootstrap, topic, $"{partitions}"])).Succeeded();

    public override async Task ProduceAsync(string bootstrap, string topic, string codec, IReadOnlyList<string> lines) =>
        (await RunAsync(["produce", bootstrap, topic, codec], Text(lines))).Succeeded();

    public override async Task<IReadOnlyList<string>> ConsumeAsync(string bootstrap, string topic, string group, int count) =>
        (await RunAsync(["consume", bootstrap, topic, group, $"{count}"])).Succeeded().Lines;

    private static Task<CommandResult> RunAsync(string[] arguments, string? input = null) => Command.RunAsync("node", [Script, .. arguments], input);
}
