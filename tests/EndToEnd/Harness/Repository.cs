namespace Broker.EndToEnd;

/// <summary>Where things are: the checkout, the published broker, the released Apache Kafka beside it when there is one.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The executable under test; tests/run.sh publishes it.</summary>
    public static string BrokerExecutable { get; } =
        Environment.GetEnvironmentVariable("BROKER_EXECUTABLE") ?? Path.Combine(Root, "artifacts", "broker", "broker");

    /// <summary>A folder with released Kafka versions to run as client and oracle; null when there is none.</summary>
    public static string? KafkaReleases { get; } = FindKafka();

    public static string Clients { get; } = Path.Combine(Root, "tests", "EndToEnd", "clients");

    private static string FindRoot()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Broker.sln")))
            {
                return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No Broker.sln above {AppContext.BaseDirectory}");
    }

    private static string? FindKafka()
    {
        string path = Environment.GetEnvironmentVariable("BROKER_KAFKA_DIR") ?? Path.Combine(Root, "..", "shared", "kafka");
        return Directory.Exists(Path.Combine(path, "3.9", "bin")) ? Path.GetFullPath(path) : null;
    }
}
