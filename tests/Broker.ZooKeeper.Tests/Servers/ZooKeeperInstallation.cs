namespace Broker.ZooKeeper.Tests;

/// <summary>A released ZooKeeper on this machine: Debian's package, or the one inside a release of Apache Kafka.</summary>
public sealed record ZooKeeperInstallation(string Version, string ClassPath)
{
    public const string WhatIsMissing = "Needs Java and ZooKeeper: Debian's packages default-jre-headless and libzookeeper-java (tests/install-clients.sh)";

    private static readonly string[] DebianJars =
        ["zookeeper", "zookeeper-jute", "slf4j-api", "slf4j-simple", "metrics-core", "snappy-java", "commons-cli", "commons-io", "netty-buffer", "netty-codec", "netty-common", "netty-handler", "netty-resolver", "netty-transport", "netty-transport-native-epoll", "netty-transport-native-unix-common"];

    /// <summary>3.8, or null.</summary>
    public static ZooKeeperInstallation? Current { get; } = Debian() ?? OfKafka("3.9", "3.8");

    /// <summary>3.5, which has no persistent watches.</summary>
    public static ZooKeeperInstallation? Of35 { get; } = OfKafka("2.8", "3.5");

    /// <summary>3.4, which does not return the stat of a node it makes.</summary>
    public static ZooKeeperInstallation? Of34 { get; } = OfKafka("0.10", "3.4");

    private static ZooKeeperInstallation? Debian()
    {
        const string Folder = "/usr/share/java";
        return HasJava() && File.Exists($"{Folder}/zookeeper.jar") && File.Exists($"{Folder}/zookeeper-jute.jar")
            ? new ZooKeeperInstallation("3.8", string.Join(':', DebianJars.Select(jar => $"{Folder}/{jar}.jar")))
            : null;
    }

    private static ZooKeeperInstallation? OfKafka(string release, string version)
    {
        string folder = Environment.GetEnvironmentVariable("BROKER_KAFKA_DIR") ?? Path.Combine(Root(), "..", "shared", "kafka");
        string libs = Path.GetFullPath(Path.Combine(folder, release, "libs"));
        return HasJava() && Directory.Exists(libs) ? new ZooKeeperInstallation(version, $"{libs}/*") : null;
    }

    private static bool HasJava() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "java")));

    private static string Root()
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
}
