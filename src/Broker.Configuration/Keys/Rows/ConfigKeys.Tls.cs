using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// TLS.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<string> SslKeystoreType = Text(
        "ssl.keystore.type", "JKS", Any, Medium, PerBroker,
        "Format of the key store: JKS, PKCS12 or PEM.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string?> SslKeystoreLocation = TextOrNone(
        "ssl.keystore.location", Any, Medium, PerBroker,
        "File of the key store.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string?> SslKeystorePassword = Secret(
        "ssl.keystore.password", Medium, PerBroker,
        "Password of the key store.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string?> SslKeystoreKey = Secret(
        "ssl.keystore.key", Medium, PerBroker,
        "Private key as PEM text.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string?> SslKeystoreCertificateChain = Secret(
        "ssl.keystore.certificate.chain", Medium, PerBroker,
        "Certificate chain as PEM text.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string?> SslKeyPassword = Secret(
        "ssl.key.password", Medium, PerBroker,
        "Password of the private key.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string> SslTruststoreType = Text(
        "ssl.truststore.type", "JKS", Any, Medium, PerBroker,
        "Format of the trust store: JKS, PKCS12 or PEM.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string?> SslTruststoreLocation = TextOrNone(
        "ssl.truststore.location", Any, Medium, PerBroker,
        "File of the trust store.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string?> SslTruststorePassword = Secret(
        "ssl.truststore.password", Medium, PerBroker,
        "Password of the trust store.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string?> SslTruststoreCertificates = Secret(
        "ssl.truststore.certificates", Medium, PerBroker,
        "Trusted certificates as PEM text.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string> SslClientAuth = Text(
        "ssl.client.auth", "none", OneOf("required", "requested", "none"), Medium, PerBroker,
        "Whether clients must, may or need not show a certificate.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string> SslProtocol = Text(
        "ssl.protocol", "TLSv1.3", Any, Medium, PerBroker,
        "TLS version preferred.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<IReadOnlyList<string>> SslEnabledProtocols = List(
        "ssl.enabled.protocols", "TLSv1.2,TLSv1.3", Any, Medium, PerBroker,
        "TLS versions allowed.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<IReadOnlyList<string>> SslCipherSuites = List(
        "ssl.cipher.suites", "", Any, Medium, PerBroker,
        "Cipher suites allowed; empty means all.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string> SslEndpointIdentificationAlgorithm = Text(
        "ssl.endpoint.identification.algorithm", "https", Any, Low, PerBroker,
        "How a peer's host name is checked against its certificate; empty means not at all.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string> SslPrincipalMappingRules = Text(
        "ssl.principal.mapping.rules", "DEFAULT", Any, Low, ReadOnly,
        "Rules that turn the name in a certificate into a principal.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<bool> SslAllowDnChanges = Bool(
        "ssl.allow.dn.changes", false, Low, ReadOnly,
        "Allow a certificate with another distinguished name in a dynamic update.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<bool> SslAllowSanChanges = Bool(
        "ssl.allow.san.changes", false, Low, ReadOnly,
        "Allow a certificate with other alternative names in a dynamic update.",
        unsupported: NotYet.Tls);

    public static readonly ConfigKey<string?> SslEngineFactoryClass = Class(
        "ssl.engine.factory.class", null, Low, PerBroker,
        "Java class that makes TLS engines.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string> SslKeymanagerAlgorithm = Text(
        "ssl.keymanager.algorithm", "SunX509", Any, Medium, PerBroker,
        "Java key manager algorithm.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string> SslTrustmanagerAlgorithm = Text(
        "ssl.trustmanager.algorithm", "PKIX", Any, Medium, PerBroker,
        "Java trust manager algorithm.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string?> SslSecureRandomImplementation = TextOrNone(
        "ssl.secure.random.implementation", Any, Low, PerBroker,
        "Java random number generator for TLS.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string?> SslProvider = TextOrNone(
        "ssl.provider", Any, Medium, PerBroker,
        "Java security provider for TLS.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string?> SecurityProviders = TextOrNone(
        "security.providers", Any, Low, ReadOnly,
        "Java classes that make security providers.",
        unsupported: NotYet.JavaOnly);
}
