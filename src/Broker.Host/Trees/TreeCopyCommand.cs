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
