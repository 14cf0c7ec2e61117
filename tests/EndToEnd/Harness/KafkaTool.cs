namespace Broker.EndToEnd;

/// <summary>The command-line tools of a released Apache Kafka.</summary>
internal sealed class KafkaTool(string version, string bootstrap)
{
    /// <summary>Runs <c>kafka-NAME.sh</c> with the bootstrap server in front of the arguments.</summary>
    public Task<CommandResult> RunAsync(string name, string arguments, string? input = null, TimeSpan? timeout = null) =>
        Command.RunAsync(Path(name), ["--bootstrap-server", bootstrap, .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)], input, timeout);

    /// <summary>Runs a tool with exactly these arguments.</summary>
    public Task<CommandResult> RunBareAsync(string name, string arguments, string? input = null, TimeSpan? timeout = null) =>
        Command.RunAsync(Path(name), arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), input, timeout);

    public string Path(string name) => System.IO.Path.Combine(Repository.KafkaReleases!, version, "bin", $"kafka-{name}.sh");
}
