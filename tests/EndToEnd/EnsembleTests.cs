using Broker.ZooKeeper;
using Broker.ZooKeeper.Tests;

namespace Broker.EndToEnd;

/// <summary>Three brokers on ZooKeepers of all kinds: old releases, an ensemble whose members fail, servers that ask for a login or a certificate.</summary>
public sealed class EnsembleTests
{
    private const string Topic = "t";

    private readonly List<string> _sent = [];

    [ZooKeeperFact(needsKafka: true)]
    public async Task ZooKeeper_3_4()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync(ZooKeeperInstallation.Of34);
        await using BrokerCluster cluster = await StartAsync($"{server.Address}/kafka");
        await FailOverAsync(cluster);
    }

    [ZooKeeperFact(needsKafka: true)]
    public async Task ZooKeeper_3_5()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync(ZooKeeperInstallation.Of35);
        await using BrokerCluster cluster = await StartAsync($"{server.Address}/kafka");
        await FailOverAsync(cluster);
    }

    [ZooKeeperFact]
    public async Task An_ensemble_whose_members_are_killed_and_paused()
    {
        await using ZooKeeperEnsemble ensemble = await ZooKeeperEnsemble.StartAsync();
        await using BrokerCluster cluster = await StartAsync($"{ensemble.Addresses}/kafka");

        ZooKeeperServer leader = await ensemble.FindAsync("leader");
        leader.Kill();
        await FailOverAsync(cluster);
        leader.Launch();
        await ensemble.WaitUntilServingAsync();

        ZooKeeperServer follower = await ensemble.FindAsync("follower");
        follower.Pause();
        await FailOverAsync(cluster);
        follower.Resume();

        // No majority for longer than a session: what is led goes on, and when it is back everybody is there again.
        foreach (ZooKeeperServer server in ensemble.Servers.Take(2))
        {
            server.Kill();
        }

        await Task.Delay(TimeSpan.FromSeconds(6));
        foreach (ZooKeeperServer server in ensemble.Servers.Take(2))
        {
            server.Launch();
        }

        await ensemble.WaitUntilServingAsync();
        await SendAsync(cluster);
        await FailOverAsync(cluster);
    }

    [ZooKeeperFact]
    public async Task Access_lists_with_a_login()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("broker-jaas-");
        string servers = Path.Combine(folder.FullName, "server.conf"), clients = Path.Combine(folder.FullName, "client.conf");
        await File.WriteAllTextAsync(servers, "Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_kafka=\"secret\"; };");
        await File.WriteAllTextAsync(clients, "Client { org.apache.zookeeper.server.auth.DigestLoginModule required username=\"kafka\" password=\"secret\"; };");
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync(
            settings: ["authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider"], javaOptions: [$"-Djava.security.auth.login.config={servers}"]);
        var login = new Dictionary<string, string> { ["KAFKA_OPTS"] = $"-Djava.security.auth.login.config={clients}" };
        await using (BrokerCluster cluster = await StartAsync($"{server.Address}/kafka", login, "zookeeper.set.acl=true"))
        {
            await FailOverAsync(cluster);
            await CheckAccessAsync(new ZooKeeperClientOptions(ZooKeeperConnectString.Parse($"{server.Address}/kafka")), "sasl", "kafka");
        }

        folder.Delete(recursive: true);
    }

    [ZooKeeperFact]
    public async Task Access_lists_with_certificates()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("broker-tls-");
        string server = SecurityTests.WriteIdentity(folder, "server", "localhost"), client = SecurityTests.WriteIdentity(folder, "client", "client");
        string CertificateOf(string name) => Path.Combine(folder.FullName, $"{name}.crt.pem");
        int port = FreePorts.Find();
        await using ZooKeeperServer zookeeper = await ZooKeeperServer.StartAsync(settings:
        [
            $"secureClientPort={port}", "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory", $"ssl.keyStore.location={server}",
            $"ssl.trustStore.location={CertificateOf("client")}", "authProvider.1=org.apache.zookeeper.server.auth.X509AuthenticationProvider",
        ]);
        await using (BrokerCluster cluster = await StartAsync(
            $"localhost:{port}/kafka", null, "zookeeper.set.acl=true", "zookeeper.ssl.client.enable=true", "zookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty",
            $"zookeeper.ssl.keystore.location={client}", "zookeeper.ssl.keystore.type=PEM", $"zookeeper.ssl.truststore.location={CertificateOf("server")}", "zookeeper.ssl.truststore.type=PEM"))
        {
            await FailOverAsync(cluster);
            await CheckAccessAsync(new ZooKeeperClientOptions(ZooKeeperConnectString.Parse($"{zookeeper.Address}/kafka")), "x509", "CN=client");
        }

        folder.Delete(recursive: true);
    }

    private static async Task<BrokerCluster> StartAsync(string zookeeper, IReadOnlyDictionary<string, string>? environment = null, params string[] settings)
    {
        BrokerCluster cluster = await BrokerCluster.StartAsync(zookeeper, _ => ["min.insync.replicas=2", "auto.leader.rebalance.enable=false", .. settings], environment: environment);
        await cluster.CreateTopicAsync(Topic, [1, 2, 3], [2, 3, 1], [3, 1, 2]);
        return cluster;
    }

    /// <summary>A broker dies, which takes at least one leadership with it, and comes back; nothing that was sent is missing.</summary>
    private async Task FailOverAsync(BrokerCluster cluster)
    {
        await SendAsync(cluster);
        await cluster.Brokers[0].KillAsync();
        await cluster.UntilAsync(Topic, p => p.All(q => q.Leader is 2 or 3), "others lead");
        await SendAsync(cluster);
        await cluster.Brokers[0].RestartAsync();
        await cluster.UntilAsync(Topic, p => p.All(q => q.InSyncReplicas.Length == 3), "all replicas are in sync again");
        using Confluent.Kafka.IAdminClient admin = cluster.Admin();
        string made = $"made-{_sent.Count}";
        await cluster.CreateTopicAsync(made, [3, 2, 1]);
        await admin.DeleteTopicsAsync([made]);
        var read = new List<string>();
        StoredRecords.Read(cluster.Bootstrap, Topic, 3, Confluent.Kafka.IsolationLevel.ReadUncommitted, result => read.Add(System.Text.Encoding.UTF8.GetString(result.Message.Value)));
        Assert.Equal(_sent.Order(StringComparer.Ordinal), read.Order(StringComparer.Ordinal));
    }

    private async Task SendAsync(BrokerCluster cluster)
    {
        string[] lines = [.. Enumerable.Range(_sent.Count, 200).Select(i => $"record {i}")];
        await new ConfluentDotnet().ProduceAsync(cluster.Bootstrap, Topic, "none", lines);
        _sent.AddRange(lines);
    }

    /// <summary>Kafka's access lists: brokers write, everybody reads but where secrets are; a stranger changes nothing.</summary>
    private static async Task CheckAccessAsync(ZooKeeperClientOptions stranger, string scheme, string id)
    {
        await using ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(stranger, TimeProvider.System);
        foreach (string path in (string[])["/brokers/ids/1", "/brokers/topics/t", "/brokers/topics/t/partitions/0/state", "/controller", "/controller_epoch", "/config/topics/t", "/cluster/id"])
        {
            Assert.Equal([(ZooKeeperPermissions.All, scheme, id), (ZooKeeperPermissions.Read, "world", "anyone")], await AclAsync(client, path));
            await client.GetDataAsync(path);
            Assert.Equal(ZooKeeperError.NoAuth, (await Assert.ThrowsAsync<ZooKeeperRequestException>(() => client.SetDataAsync(path, default))).Error);
        }

        foreach (string path in (string[])["/config/users", "/config/brokers"])
        {
            Assert.Equal(ZooKeeperError.NoAuth, (await Assert.ThrowsAsync<ZooKeeperRequestException>(() => client.GetDataAsync(path))).Error);
        }

        Assert.Equal([(ZooKeeperPermissions.All, "world", "anyone")], await AclAsync(client, "/consumers"));
    }

    private static async Task<(ZooKeeperPermissions, string, string)[]> AclAsync(ZooKeeperClient client, string path) =>
        [.. (await client.GetAclAsync(path)).Acl.Select(a => (a.Permissions, a.Scheme, a.Id))];
}
