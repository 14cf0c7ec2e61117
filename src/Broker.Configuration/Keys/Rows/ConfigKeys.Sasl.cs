using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// SASL.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<IReadOnlyList<string>> SaslEnabledMechanisms = List(
        "sasl.enabled.mechanisms", "GSSAPI", Any, Medium, PerBroker,
        "SASL mechanisms that clients may use.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<string> SaslMechanismInterBrokerProtocol = Text(
        "sasl.mechanism.inter.broker.protocol", "GSSAPI", Any, Medium, PerBroker,
        "SASL mechanism between brokers.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<string?> SaslJaasConfig = Secret(
        "sasl.jaas.config", Medium, PerBroker,
        "JAAS text of a mechanism; written with the prefix listener.name.<name>.<mechanism>.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<int> SaslServerMaxReceiveSize = Int(
        "sasl.server.max.receive.size", 524288, Any, Medium, ReadOnly,
        "Largest request before a client has authenticated, in bytes.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<long> ConnectionsMaxReauthMs = Long(
        "connections.max.reauth.ms", 0, Any, Medium, ReadOnly,
        "Lifetime of an authenticated session, in ms; 0 means no limit.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<string?> SaslServerCallbackHandlerClass = Class(
        "sasl.server.callback.handler.class", null, Medium, ReadOnly,
        "Java class that checks credentials.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string?> SaslClientCallbackHandlerClass = Class(
        "sasl.client.callback.handler.class", null, Medium, ReadOnly,
        "Java class that gives credentials as a client.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string?> SaslLoginCallbackHandlerClass = Class(
        "sasl.login.callback.handler.class", null, Medium, ReadOnly,
        "Java class that gives credentials for login.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string?> SaslLoginClass = Class(
        "sasl.login.class", null, Medium, ReadOnly,
        "Java class that logs in.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string?> SaslKerberosServiceName = TextOrNone(
        "sasl.kerberos.service.name", Any, Medium, PerBroker,
        "Name of the Kerberos principal of the brokers.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<string> SaslKerberosKinitCmd = Text(
        "sasl.kerberos.kinit.cmd", "/usr/bin/kinit", Any, Medium, PerBroker,
        "Path of kinit.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<long> SaslKerberosMinTimeBeforeRelogin = Long(
        "sasl.kerberos.min.time.before.relogin", 60000, Any, Medium, PerBroker,
        "Pause between attempts to log in, in ms.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<IReadOnlyList<string>> SaslKerberosPrincipalToLocalRules = List(
        "sasl.kerberos.principal.to.local.rules", "DEFAULT", Any, Medium, PerBroker,
        "Rules that turn a Kerberos principal into a short name.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<double> SaslKerberosTicketRenewJitter = Double(
        "sasl.kerberos.ticket.renew.jitter", 0.05, Any, Medium, PerBroker,
        "Random share added to the renewal time.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<double> SaslKerberosTicketRenewWindowFactor = Double(
        "sasl.kerberos.ticket.renew.window.factor", 0.8, Any, Medium, PerBroker,
        "Share of a ticket's life after which it is renewed.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<short> SaslLoginRefreshBufferSeconds = Short(
        "sasl.login.refresh.buffer.seconds", 300, Any, Medium, PerBroker,
        "Time before expiry kept free when a token is renewed, in s.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<short> SaslLoginRefreshMinPeriodSeconds = Short(
        "sasl.login.refresh.min.period.seconds", 60, Any, Medium, PerBroker,
        "Shortest time between renewals of a token, in s.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<double> SaslLoginRefreshWindowFactor = Double(
        "sasl.login.refresh.window.factor", 0.8, Any, Medium, PerBroker,
        "Share of a token's life after which it is renewed.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<double> SaslLoginRefreshWindowJitter = Double(
        "sasl.login.refresh.window.jitter", 0.05, Any, Medium, PerBroker,
        "Random share added to the renewal time of a token.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<int?> SaslLoginConnectTimeoutMs = IntOrNone(
        "sasl.login.connect.timeout.ms", Any, Low, ReadOnly,
        "Longest wait for a connection to the identity provider, in ms.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<int?> SaslLoginReadTimeoutMs = IntOrNone(
        "sasl.login.read.timeout.ms", Any, Low, ReadOnly,
        "Longest wait for an answer of the identity provider, in ms.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<long> SaslLoginRetryBackoffMs = Long(
        "sasl.login.retry.backoff.ms", 100, Any, Low, ReadOnly,
        "First pause between attempts to get a token, in ms.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<long> SaslLoginRetryBackoffMaxMs = Long(
        "sasl.login.retry.backoff.max.ms", 10000, Any, Low, ReadOnly,
        "Longest pause between attempts to get a token, in ms.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<string?> SaslOauthbearerJwksEndpointUrl = TextOrNone(
        "sasl.oauthbearer.jwks.endpoint.url", Any, Medium, ReadOnly,
        "Address of the keys that sign tokens.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<string?> SaslOauthbearerTokenEndpointUrl = TextOrNone(
        "sasl.oauthbearer.token.endpoint.url", Any, Medium, ReadOnly,
        "Address where tokens are given.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<int> SaslOauthbearerClockSkewSeconds = Int(
        "sasl.oauthbearer.clock.skew.seconds", 30, Any, Low, ReadOnly,
        "Difference allowed between the clocks of provider and broker, in s.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<IReadOnlyList<string>?> SaslOauthbearerExpectedAudience = ListOrNone(
        "sasl.oauthbearer.expected.audience", Any, Low, ReadOnly,
        "Audiences of which a token must name one.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<string?> SaslOauthbearerExpectedIssuer = TextOrNone(
        "sasl.oauthbearer.expected.issuer", Any, Low, ReadOnly,
        "Issuer that a token must name.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<long> SaslOauthbearerJwksEndpointRefreshMs = Long(
        "sasl.oauthbearer.jwks.endpoint.refresh.ms", 3600000, Any, Low, ReadOnly,
        "Time between reads of the keys, in ms.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<long> SaslOauthbearerJwksEndpointRetryBackoffMs = Long(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", 100, Any, Low, ReadOnly,
        "First pause between attempts to read the keys, in ms.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<long> SaslOauthbearerJwksEndpointRetryBackoffMaxMs = Long(
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", 10000, Any, Low, ReadOnly,
        "Longest pause between attempts to read the keys, in ms.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<string> SaslOauthbearerScopeClaimName = Text(
        "sasl.oauthbearer.scope.claim.name", "scope", Any, Low, ReadOnly,
        "Claim that holds the scope.",
        unsupported: NotYet.Sasl);

    public static readonly ConfigKey<string> SaslOauthbearerSubClaimName = Text(
        "sasl.oauthbearer.sub.claim.name", "sub", Any, Low, ReadOnly,
        "Claim that holds the subject.",
        unsupported: NotYet.Sasl);
}
