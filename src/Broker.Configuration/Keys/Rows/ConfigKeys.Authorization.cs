using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Who may do what, delegation tokens, and secrets kept in dynamic values.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<string> AuthorizerClassName = Text(
        "authorizer.class.name", "", Any, Low, ReadOnly,
        "Java class of the authorizer; empty means everybody may do everything.",
        unsupported: NotYet.Authorization);

    public static readonly ConfigKey<string?> SuperUsers = TextOrNone(
        "super.users", Any, Medium, ReadOnly,
        "Principals that may do everything, `;` separated.",
        unsupported: NotYet.Authorization, listed: false);

    public static readonly ConfigKey<bool> AllowEveryoneIfNoAclFound = Bool(
        "allow.everyone.if.no.acl.found", false, Medium, ReadOnly,
        "Allow what no ACL speaks of.",
        unsupported: NotYet.Authorization, listed: false);

    public static readonly ConfigKey<string?> AuthorizerZookeeperUrl = TextOrNone(
        "authorizer.zookeeper.url", Any, Low, ReadOnly,
        "ZooKeeper that keeps the ACLs.",
        unsupported: NotYet.Authorization, listed: false);

    public static readonly ConfigKey<string?> PrincipalBuilderClass = Class(
        "principal.builder.class", "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", Medium, PerBroker,
        "Java class that makes the principal of a connection.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string?> DelegationTokenSecretKey = Secret(
        "delegation.token.secret.key", Medium, ReadOnly,
        "Secret that signs delegation tokens; unset turns them off.",
        unsupported: NotYet.DelegationTokens);

    public static readonly ConfigKey<string?> DelegationTokenMasterKey = Secret(
        "delegation.token.master.key", Medium, ReadOnly,
        "Older name of delegation.token.secret.key.",
        unsupported: NotYet.DelegationTokens);

    public static readonly ConfigKey<long> DelegationTokenMaxLifetimeMs = Long(
        "delegation.token.max.lifetime.ms", 604800000, AtLeast(1), Medium, ReadOnly,
        "Longest life of a delegation token, in ms.",
        unsupported: NotYet.DelegationTokens);

    public static readonly ConfigKey<long> DelegationTokenExpiryTimeMs = Long(
        "delegation.token.expiry.time.ms", 86400000, AtLeast(1), Medium, ReadOnly,
        "Life of a delegation token without renewal, in ms.",
        unsupported: NotYet.DelegationTokens);

    public static readonly ConfigKey<long> DelegationTokenExpiryCheckIntervalMs = Long(
        "delegation.token.expiry.check.interval.ms", 3600000, AtLeast(1), Low, ReadOnly,
        "Time between searches for expired tokens, in ms.",
        unsupported: NotYet.DelegationTokens);

    public static readonly ConfigKey<string?> PasswordEncoderSecret = Secret(
        "password.encoder.secret", Medium, ReadOnly,
        "Secret that encrypts dynamic passwords.",
        unsupported: NotYet.DynamicSecrets);

    public static readonly ConfigKey<string?> PasswordEncoderOldSecret = Secret(
        "password.encoder.old.secret", Medium, ReadOnly,
        "Previous secret, while it is being replaced.",
        unsupported: NotYet.DynamicSecrets);

    public static readonly ConfigKey<string> PasswordEncoderCipherAlgorithm = Text(
        "password.encoder.cipher.algorithm", "AES/CBC/PKCS5Padding", Any, Low, ReadOnly,
        "Cipher for dynamic passwords.",
        unsupported: NotYet.DynamicSecrets);

    public static readonly ConfigKey<int> PasswordEncoderIterations = Int(
        "password.encoder.iterations", 4096, AtLeast(1024), Low, ReadOnly,
        "Iterations of the key derivation for dynamic passwords.",
        unsupported: NotYet.DynamicSecrets);

    public static readonly ConfigKey<int> PasswordEncoderKeyLength = Int(
        "password.encoder.key.length", 128, AtLeast(8), Low, ReadOnly,
        "Key length for dynamic passwords, in bits.",
        unsupported: NotYet.DynamicSecrets);

    public static readonly ConfigKey<string?> PasswordEncoderKeyfactoryAlgorithm = TextOrNone(
        "password.encoder.keyfactory.algorithm", Any, Low, ReadOnly,
        "Key derivation for dynamic passwords.",
        unsupported: NotYet.DynamicSecrets);

    public static readonly ConfigKey<IReadOnlyList<string>> ConfigProviders = List(
        "config.providers", "", Any, Low, ReadOnly,
        "Names of providers that fill in ${name:path:key} in values.",
        unsupported: NotYet.Providers, listed: false);
}
