using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Broker.ZooKeeper.Tests;

/// <summary>Access lists, digest credentials, SASL and TLS against a real server that asks for them.</summary>
public sealed class SecurityTests
{
    [ZooKeeperFact]
    public async Task Credentials_open_what_access_lists_close()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        var options = new ZooKeeperClientOptions(ZooKeeperConnectString.Parse(server.Address));
        await using ZooKeeperClient owner = await ZooKeeperClient.ConnectAsync(options with { Auth = [ZooKeeperAuth.Digest("kafka", "secret")] }, TimeProvider.System);
        await using ZooKeeperClient stranger = await ZooKeeperClient.ConnectAsync(options, TimeProvider.System);
        await owner.CreateAsync("/readable", default, acl: ZooKeeperAcl.CreatorAllWorldRead);
        await owner.CreateAsync("/secret", default, acl: ZooKeeperAcl.CreatorAll);

        (ZooKeeperAcl[] acl, _) = await owner.GetAclAsync("/readable");
        Assert.Equal([(ZooKeeperPermissions.All, "digest"), (ZooKeeperPermissions.Read, "world")], acl.Select(a => (a.Permissions, a.Scheme)));
        await owner.SetDataAsync("/secret", new byte[] { 1 });
        await stranger.GetDataAsync("/readable");
        await RefusedAsync(ZooKeeperError.NoAuth, () => stranger.SetDataAsync("/readable", default));
        await RefusedAsync(ZooKeeperError.NoAuth, () => stranger.GetDataAsync("/secret"));
        await RefusedAsync(ZooKeeperError.InvalidAcl, () => stranger.CreateAsync("/x", default, acl: ZooKeeperAcl.CreatorAll));

        await owner.SetAclAsync("/secret", ZooKeeperAcl.Open);
        await stranger.GetDataAsync("/secret");
        await Assert.ThrowsAsync<ZooKeeperAuthFailedException>(() =>
            ZooKeeperClient.ConnectAsync(options with { Auth = [new ZooKeeperAuth("nonsense", default)] }, TimeProvider.System));
    }

    [ZooKeeperFact]
    public async Task Sasl_logs_in_with_the_right_password_only()
    {
        string jaas = Path.GetTempFileName();
        await File.WriteAllTextAsync(jaas, "Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_kafka=\"it's \\\"secret\\\"\"; };");
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync(
            settings: ["authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider"], javaOptions: [$"-Djava.security.auth.login.config={jaas}"]);
        var options = new ZooKeeperClientOptions(ZooKeeperConnectString.Parse(server.Address)) { Sasl = new ZooKeeperSaslLogin("kafka", "it's \"secret\"") };

        await using ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(options, TimeProvider.System);
        await client.CreateAsync("/mine", default, acl: ZooKeeperAcl.CreatorAll);
        Assert.Equal("sasl:kafka", (await client.GetAclAsync("/mine")).Acl.Select(a => $"{a.Scheme}:{a.Id}").Single());
        await Assert.ThrowsAsync<ZooKeeperAuthFailedException>(() =>
            ZooKeeperClient.ConnectAsync(options with { Sasl = new ZooKeeperSaslLogin("kafka", "wrong") }, TimeProvider.System));
        File.Delete(jaas);
    }

    [ZooKeeperFact]
    public async Task Tls_trusts_what_it_is_told_to_and_shows_its_own_certificate()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("zookeeper-tls-");
        string serverStore = WriteIdentity(folder, "server", "localhost"), clientStore = WriteIdentity(folder, "client", "client");
        string trustServer = Path.Combine(folder.FullName, "server.crt.pem"), trustClient = Path.Combine(folder.FullName, "client.crt.pem");
        int port = FreePorts.Find();
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync(settings:
        [
            $"secureClientPort={port}", "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
            $"ssl.keyStore.location={serverStore}", $"ssl.trustStore.location={trustClient}", "authProvider.1=org.apache.zookeeper.server.auth.X509AuthenticationProvider",
        ]);
        var options = new ZooKeeperClientOptions(ZooKeeperConnectString.Parse($"localhost:{port}")) { ConnectionTimeoutMs = 20_000 };
        ZooKeeperTlsOptions Tls(string trust, bool verifyHostName = true) => ZooKeeperTlsOptions.Load(new ZooKeeperTlsStore(clientStore), new ZooKeeperTlsStore(trust), verifyHostName);

        await using (ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(options with { Tls = Tls(trustServer) }, TimeProvider.System))
        {
            await client.CreateAsync("/mine", new byte[200_000], acl: ZooKeeperAcl.CreatorAll);
            Assert.Equal(200_000, (await client.GetDataAsync("/mine")).Data.Length);
            Assert.Equal("x509", Assert.Single((await client.GetAclAsync("/mine")).Acl).Scheme);
        }

        var failure = await Assert.ThrowsAsync<ZooKeeperConnectionLossException>(() =>
            // Long enough for one attempt to come to its refusal on a busy machine.
            ZooKeeperClient.ConnectAsync(options with { Tls = Tls(trustClient), ConnectionTimeoutMs = 5000 }, TimeProvider.System));
        Assert.Contains("certificate", failure.Message, StringComparison.Ordinal);

        var otherName = options with { Servers = ZooKeeperConnectString.Parse($"127.0.0.1:{port}") };
        await Assert.ThrowsAsync<ZooKeeperConnectionLossException>(() => ZooKeeperClient.ConnectAsync(otherName with { Tls = Tls(trustServer), ConnectionTimeoutMs = 1000 }, TimeProvider.System));
        await using ZooKeeperClient unverified = await ZooKeeperClient.ConnectAsync(otherName with { Tls = Tls(trustServer, verifyHostName: false) }, TimeProvider.System);
        Assert.NotNull(await unverified.ExistsAsync("/mine"));
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Stores_that_cannot_be_used_are_named_with_the_reason()
    {
        Assert.Contains("only Java reads", Assert.Throws<InvalidDataException>(() => ZooKeeperTlsOptions.Load(null, new ZooKeeperTlsStore("/x/store.jks"))).Message, StringComparison.Ordinal);
        Assert.Contains("/x/store.pem cannot be used", Assert.Throws<InvalidDataException>(() => ZooKeeperTlsOptions.Load(null, new ZooKeeperTlsStore("/x/store.pem"))).Message, StringComparison.Ordinal);
    }

    /// <summary>The example of RFC 2831, section 4.</summary>
    [Fact]
    public void Sasl_fields_are_read_as_the_standard_writes_them()
    {
        Dictionary<string, string> fields = DigestMd5.Parse("realm=\"elwood.\\\"inno\\\"\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth,auth-int\",algorithm=md5-sess, charset=utf-8");

        Assert.Equal(("elwood.\"inno\"", "OA6MG9tEQGm2hh", "auth,auth-int", "md5-sess", "utf-8"), (fields["realm"], fields["nonce"], fields["qop"], fields["algorithm"], fields["charset"]));
    }

    private static async Task RefusedAsync(ZooKeeperError error, Func<Task> action) =>
        Assert.Equal(error, (await Assert.ThrowsAsync<ZooKeeperRequestException>(action)).Error);

    /// <summary>A key with its certificate in one PEM file, whose path is returned, and the certificate alone in NAME.crt.pem.</summary>
    public static string WriteIdentity(DirectoryInfo folder, string name, string host)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(Path.Combine(folder.FullName, $"{name}.crt.pem"), certificate.ExportCertificatePem());
        string store = Path.Combine(folder.FullName, $"{name}.pem");
        File.WriteAllText(store, key.ExportPkcs8PrivateKeyPem() + "\n" + certificate.ExportCertificatePem());
        return store;
    }
}
