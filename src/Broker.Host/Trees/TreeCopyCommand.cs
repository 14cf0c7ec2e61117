using Broker.Cluster;
using Broker.Ensemble;
using Broker.ZooKeeper;

namespace Broker.Host.Trees;

/// <summary>`broker tree copy`: opens both trees, copies, and says what was done or why not.</summary>
internal static class TreeCopyCommand
{
    private const string Embedded = "embedded:";
    private const string ZooKeeperServers = "zookeeper:";

    public static async Task<int> RunAsync(CommandLine commandLine)
    {
        if (commandLine.Errors.Count > 0)
        {
            Console.Error.WriteLine(string.Join(Environment.NewLine, commandLine.Errors.Select(error => error.Reason)));
            return 1;
        }

        try
        {
            ICoordinationTree source = await OpenAsync("--from", commandLine.TreeFrom).ConfigureAwait(false);
            await using (source.ConfigureAwait(false))
            {
                ICoordinationTree target = await OpenAsync("--to", commandLine.TreeTo).ConfigureAwait(false);
                await using (target.ConfigureAwait(false))
                {
                    TreeCopyResult result = await new TreeCopy(source, target).RunAsync().ConfigureAwait(false);
                    Console.WriteLine($"Copied {commandLine.TreeFrom} to {commandLine.TreeTo}: {result.Nodes} nodes, {result.Written} changes were needed");
                    if (commandLine.TreeTo.StartsWith(ZooKeeperServers, StringComparison.Ordinal) && result.FeatureLevels.Count > 0)
                    {
                        Console.Error.WriteLine(FeatureWarning(result.FeatureLevels));
                    }

                    return 0;
                }
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException or CoordinationException or FormatException)
        {
            Console.Error.WriteLine($"The tree was not copied. {e.Message}");
            return 1;
        }
    }

    /// <summary>A Kafka broker of the age of ZooKeeper supports no feature at all and ends when one is in force.</summary>
    internal static string FeatureWarning(IReadOnlyDictionary<string, short> levels)
    {
        string[] names = [.. levels.Keys.Order(StringComparer.Ordinal)];
        return $"Warning: {string.Join(", ", names.Select(name => $"{name} is in force at level {levels[name]}"))}. Apache Kafka brokers refuse to start beside it. "
            + "Before any is to join, start this broker on the new tree and run: kafka-features.sh --bootstrap-server HOST:PORT downgrade "
            + string.Join(' ', names.Select(name => $"--feature {name}=0"));
    }

    private static async Task<ICoordinationTree> OpenAsync(string option, string tree)
    {
        if (tree.StartsWith(Embedded, StringComparison.Ordinal) && tree.Length > Embedded.Length)
        {
            string directory = tree[Embedded.Length..];
            return Directory.Exists(directory)
                ? EmbeddedTree.Open(directory, TimeProvider.System)
                : throw new FormatException($"{option}: there is no directory {directory}");
        }

        return tree.StartsWith(ZooKeeperServers, StringComparison.Ordinal) && tree.Length > ZooKeeperServers.Length
            ? await ZooKeeperTree.OpenAsync(new ZooKeeperClientOptions(ZooKeeperConnectString.Parse(tree[ZooKeeperServers.Length..])), secured: false, TimeProvider.System).ConfigureAwait(false)
            : throw new FormatException($"{option} needs embedded:DIRECTORY or zookeeper:HOST:PORT, not '{tree}'");
    }
}
