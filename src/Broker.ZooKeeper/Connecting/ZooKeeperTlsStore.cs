using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Broker.ZooKeeper;

/// <summary>A file with certificates, perhaps with a key.</summary>
/// <param name="Path">The file.</param>
/// <param name="Password">What encrypts it; null for nothing.</param>
/// <param name="Type">PEM, PKCS12 or JKS; null goes by the file's ending (.pem, .p12, .pfx, .jks).</param>
public sealed record ZooKeeperTlsStore(string Path, string? Password = null, string? Type = null)
{
    /// <summary>Passwords do not belong into logs.</summary>
    public override string ToString() => Path;

    internal X509Certificate2Collection LoadCertificates() => Guarded(() =>
    {
        var certificates = new X509Certificate2Collection();
        if (IsPem())
        {
            certificates.ImportFromPemFile(Path);
        }
        else
        {
            certificates = X509CertificateLoader.LoadPkcs12CollectionFromFile(Path, Password);
        }

        return certificates.Count > 0 ? certificates : throw new InvalidDataException($"{Path} holds no certificate");
    });

    internal SslStreamCertificateContext LoadIdentity() => Guarded(() =>
    {
        X509Certificate2Collection all = LoadCertificates();
        X509Certificate2 own = !IsPem() ? all.FirstOrDefault(c => c.HasPrivateKey) ?? throw new InvalidDataException($"{Path} holds no private key")
            : string.IsNullOrEmpty(Password) ? X509Certificate2.CreateFromPemFile(Path)
            : X509Certificate2.CreateFromEncryptedPemFile(Path, Password);
        return SslStreamCertificateContext.Create(own, all, offline: true);
    });

    private bool IsPem()
    {
        string type = Type is { Length: > 0 } given ? given.ToUpperInvariant() : System.IO.Path.GetExtension(Path).ToUpperInvariant() switch
        {
            ".PEM" or ".CRT" => "PEM",
            ".P12" or ".PFX" or ".PKCS12" => "PKCS12",
            _ => "JKS",
        };
        return type switch
        {
            "PEM" => true,
            "PKCS12" => false,
            _ => throw new InvalidDataException(
                $"{Path} is a store of type {type}, which only Java reads. Convert it (keytool -importkeystore -srckeystore {Path} -destkeystore store.p12 -deststoretype PKCS12) or give PEM"),
        };
    }

    private T Guarded<T>(Func<T> load)
    {
        try
        {
            return load();
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{Path} cannot be used for TLS to ZooKeeper: {e.Message}", e);
        }
    }
}
