using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Broker.ZooKeeper;

/// <summary>
/// TLS towards ZooKeeper, in the terms of Kafka's zookeeper.ssl.* keys. Stores are PEM or PKCS12 files; Java's own JKS is refused with what to do.
/// Load once: the certificates live as long as this object.
/// </summary>
public sealed class ZooKeeperTlsOptions
{
    private readonly X509Certificate2Collection? _trusted;
    private readonly SslStreamCertificateContext? _identity;

    private ZooKeeperTlsOptions(X509Certificate2Collection? trusted, SslStreamCertificateContext? identity)
    {
        _trusted = trusted;
        _identity = identity;
    }

    /// <summary>False when zookeeper.ssl.endpoint.identification.algorithm is empty: the certificate may be for another host.</summary>
    public bool VerifyHostName { get; init; } = true;

    /// <summary>None lets the operating system choose.</summary>
    public SslProtocols Protocols { get; init; } = SslProtocols.None;

    /// <param name="keyStore">Certificate chain and key of this client; null for none.</param>
    /// <param name="trustStore">Certificates to trust; null for those of the operating system.</param>
    /// <param name="verifyHostName">See <see cref="VerifyHostName"/>.</param>
    /// <param name="protocols">See <see cref="Protocols"/>.</param>
    /// <exception cref="InvalidDataException">A file cannot be used; the message says which and why.</exception>
    public static ZooKeeperTlsOptions Load(ZooKeeperTlsStore? keyStore, ZooKeeperTlsStore? trustStore, bool verifyHostName = true, SslProtocols protocols = SslProtocols.None) =>
        new(trustStore?.LoadCertificates(), keyStore?.LoadIdentity()) { VerifyHostName = verifyHostName, Protocols = protocols };

    internal SslClientAuthenticationOptions ForServer(string host)
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = host,
            EnabledSslProtocols = Protocols,
            ClientCertificateContext = _identity,
            RemoteCertificateValidationCallback = VerifyHostName ? null : static (_, _, _, errors) => (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == 0,
        };
        if (_trusted is not null)
        {
            options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(_trusted);
        }

        return options;
    }
}
