using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Where the broker listens and what it tells clients.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<string> Listeners = Text(
        "listeners", "PLAINTEXT://:9092", Any, High, PerBroker,
        "Addresses to listen on, as NAME://host:port, comma separated. An empty host or 0.0.0.0 means every interface; port 0 takes a free "
        + "one.");

    public static readonly ConfigKey<string?> AdvertisedListeners = TextOrNone(
        "advertised.listeners", Any, High, PerBroker,
        "Addresses that clients are told to connect to, by listener name. Unset means the values of listeners; an empty host becomes the "
        + "host name of the machine. Clients must be able to resolve and reach them.");

    public static readonly ConfigKey<string> ListenerSecurityProtocolMap = Text(
        "listener.security.protocol.map", "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", Any, Low, PerBroker,
        "Security protocol of each listener name, as NAME:PROTOCOL, comma separated.");

    public static readonly ConfigKey<string?> InterBrokerListenerName = TextOrNone(
        "inter.broker.listener.name", Any, Medium, ReadOnly,
        "Listener by which brokers talk to each other. Not together with security.inter.broker.protocol.");

    public static readonly ConfigKey<string> SecurityInterBrokerProtocol = Text(
        "security.inter.broker.protocol", "PLAINTEXT", OneOf("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), Medium, ReadOnly,
        "Security protocol between brokers, naming the listener of the same name. Not together with inter.broker.listener.name.");

    public static readonly ConfigKey<string?> ControlPlaneListenerName = TextOrNone(
        "control.plane.listener.name", Any, High, ReadOnly,
        "Listener kept for requests of the controller.",
        unsupported: NotYet.SingleBroker);

    public static readonly ConfigKey<string?> EarlyStartListeners = TextOrNone(
        "early.start.listeners", Any, High, ReadOnly,
        "Listeners that open before the authorizer is ready.",
        unsupported: NotYet.Authorization);
}
