using System.Net;
using System.Net.Sockets;

namespace Broker.Configuration;

/// <summary>
/// Makes the listeners of a broker out of the keys that describe them together, and finds everything that is wrong with them.
/// Lives for one reading of the configuration.
/// </summary>
internal sealed class ListenerReader(IReadOnlyDictionary<string, ConfigEntry> given, string localHostName, List<ConfigError> errors, List<string> notices)
{
    private const string AnyAddress = "0.0.0.0";

    private readonly Dictionary<string, SecurityProtocol> _protocols = new(StringComparer.Ordinal);
    private readonly HashSet<string> _controllerNames = new(StringComparer.Ordinal);

    public ListenerSet Read()
    {
        ReadProtocolMap();
        ReadControllerNames();
        var bound = ReadList(ConfigKeys.Listeners, Text(ConfigKeys.Listeners));
        CheckNames(bound, ConfigKeys.Listeners);
        CheckPorts(bound);
        var advertisedText = Text(ConfigKeys.AdvertisedListeners);
        var isAdvertised = ListenerText.Elements(advertisedText).Length > 0;
        var advertised = isAdvertised ? ReadList(ConfigKeys.AdvertisedListeners, advertisedText) : bound;
        if (isAdvertised)
        {
            CheckNames(advertised, ConfigKeys.AdvertisedListeners);
        }

        LeaveControllersOut(ref bound, ref advertised, isAdvertised);
        if (bound.Count == 0 && !HasErrorFor(ConfigKeys.Listeners))
        {
            Error(ConfigKeys.Listeners, "No listener is left that clients could use.",
                "Add one, for example listeners=PLAINTEXT://:9092. A process that would only be a KRaft controller is not needed here.");
        }

        CheckProtocols(bound);
        CheckAdvertised(bound, advertised, isAdvertised);
        var interBroker = ReadInterBrokerName(advertised);
        CheckControlPlane(advertised, interBroker);
        return new ListenerSet(bound, [.. advertised.Select(WithHost)], interBroker);
    }

    private void ReadProtocolMap()
    {
        foreach (var element in ListenerText.Elements(Text(ConfigKeys.ListenerSecurityProtocolMap)))
        {
            var colon = element.LastIndexOf(':');
            var name = colon > 0 ? element[..colon].Trim().ToUpperInvariant() : "";
            var protocolText = element[(colon + 1)..].Trim();
            if (name.Length == 0)
            {
                Error(ConfigKeys.ListenerSecurityProtocolMap, $"'{element}' is not of the form NAME:PROTOCOL.", "Write for example INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT.");
            }
            else if (!ListenerText.TryParseProtocol(protocolText, out var protocol))
            {
                Error(ConfigKeys.ListenerSecurityProtocolMap, $"Invalid security protocol `{protocolText}` defined in listener.security.protocol.map",
                    $"Map {name} to PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.");
            }
            else if (!_protocols.TryAdd(name, protocol))
            {
                Error(ConfigKeys.ListenerSecurityProtocolMap, $"Listener name {name} appears more than once.", "Keep one entry for each name.");
            }
        }
    }

    private void ReadControllerNames()
    {
        foreach (var name in ListenerText.Elements(Text(ConfigKeys.ControllerListenerNames)))
        {
            _controllerNames.Add(name.ToUpperInvariant());
        }
    }

    private List<ListenerEndpoint> ReadList(ConfigKey key, string? text)
    {
        var endpoints = new List<ListenerEndpoint>();
        foreach (var element in ListenerText.Elements(text))
        {
            if (!ListenerText.TryParse(element, out var name, out var host, out var port))
            {
                Error(key, $"Error creating broker listeners from '{text}': Unable to parse {element} to a broker endpoint",
                    "Write NAME://host:port with a port from 0 to 65535; the host may be empty, an IPv6 address stands in brackets.");
                continue;
            }

            if (!_protocols.TryGetValue(name, out var protocol) && !_controllerNames.Contains(name))
            {
                Error(key, $"Error creating broker listeners from '{text}': No security protocol defined for listener {name}",
                    $"Add {name}:PLAINTEXT to listener.security.protocol.map.");
            }

            endpoints.Add(new ListenerEndpoint(name, host, port, protocol));
        }

        return endpoints;
    }

    private void CheckNames(List<ListenerEndpoint> endpoints, ConfigKey key)
    {
        foreach (var name in endpoints.GroupBy(endpoint => endpoint.Name, StringComparer.Ordinal).Where(group => group.Count() > 1).Select(group => group.Key))
        {
            Error(key, $"Each listener must have a different name, listeners: {Text(key)}",
                $"{name} is used by {string.Join(" and ", endpoints.Where(endpoint => endpoint.Name == name))}: give one of them another name and add it to listener.security.protocol.map.");
        }
    }

    private void CheckPorts(List<ListenerEndpoint> endpoints)
    {
        foreach (var group in endpoints.Where(endpoint => endpoint.Port != 0).GroupBy(endpoint => endpoint.Port).Where(group => group.Count() > 1))
        {
            ListenerEndpoint[] same = [.. group];
            if (same.Length == 2 && AreBothFamilies(same[0].Host, same[1].Host))
            {
                continue;
            }

            Error(ConfigKeys.Listeners, $"Each listener must have a different port, listeners: {Text(ConfigKeys.Listeners)}",
                $"{string.Join<ListenerEndpoint>(" and ", same)} share port {group.Key}: give one of them another port. "
                + "Two listeners may share a port only when one has an IPv4 and the other an IPv6 address.");
        }
    }

    private static bool AreBothFamilies(string a, string b) =>
        IPAddress.TryParse(a, out var first) && IPAddress.TryParse(b, out var second)
        && first.AddressFamily != second.AddressFamily
        && first.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6;

    private void LeaveControllersOut(ref List<ListenerEndpoint> bound, ref List<ListenerEndpoint> advertised, bool isAdvertised)
    {
        var advertisedNames = advertised.Select(endpoint => endpoint.Name).ToHashSet(StringComparer.Ordinal);

        // Composes for images that fill the name in by themselves have the listener without controller.listener.names.
        var isBare = isAdvertised && _controllerNames.Count == 0 && !advertisedNames.Contains("CONTROLLER");
        bool IsController(ListenerEndpoint endpoint) => _controllerNames.Contains(endpoint.Name) || (isBare && endpoint.Name == "CONTROLLER");
        var left = bound.Where(IsController).ToList();
        if (left.Count == 0)
        {
            return;
        }

        notices.Add($"Listener {string.Join(", ", left)} is left out: it is meant for a KRaft controller, and the broker needs none.");
        bound = bound.FindAll(endpoint => !IsController(endpoint));
        advertised = advertised.FindAll(endpoint => !IsController(endpoint));
    }

    private void CheckProtocols(List<ListenerEndpoint> bound)
    {
        foreach (var endpoint in bound.Where(endpoint => endpoint.Protocol != SecurityProtocol.Plaintext))
        {
            Error(ConfigKeys.Listeners, $"Listener {endpoint} has security protocol {ListenerText.NameOf(endpoint.Protocol)}, which is not supported yet.",
                $"Use PLAINTEXT (map {endpoint.Name}:PLAINTEXT in listener.security.protocol.map), and only on networks you trust.");
        }
    }

    private void CheckAdvertised(List<ListenerEndpoint> bound, List<ListenerEndpoint> advertised, bool isAdvertised)
    {
        var names = bound.Select(endpoint => endpoint.Name).ToHashSet(StringComparer.Ordinal);
        if (isAdvertised && !HasErrorFor(ConfigKeys.Listeners) && advertised.Exists(endpoint => !names.Contains(endpoint.Name)))
        {
            var valid = string.Join(",", names);
            Error(ConfigKeys.AdvertisedListeners,
                "advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. "
                + $"Found {string.Join(",", advertised.Select(endpoint => endpoint.Name))}. The valid options based on the current configuration are {valid}",
                "Use the same names in both keys.");
        }

        if (advertised.Exists(endpoint => endpoint.Host == AnyAddress))
        {
            ConfigKey culprit = ConfigKeys.Listeners;
            if (isAdvertised)
            {
                culprit = ConfigKeys.AdvertisedListeners;
            }

            Error(culprit,
                "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.",
                "Set advertised.listeners to the name by which clients reach this machine, for example PLAINTEXT://localhost:9092.");
        }
    }

    private string ReadInterBrokerName(List<ListenerEndpoint> advertised)
    {
        var name = Text(ConfigKeys.InterBrokerListenerName)?.Trim().ToUpperInvariant();
        if (!string.IsNullOrEmpty(name) && given.ContainsKey(ConfigKeys.SecurityInterBrokerProtocol.Name))
        {
            Error(ConfigKeys.InterBrokerListenerName, "Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.",
                "Remove security.inter.broker.protocol.");
        }
        else if (!string.IsNullOrEmpty(name) && !_protocols.ContainsKey(name))
        {
            Error(ConfigKeys.InterBrokerListenerName,
                $"Listener with name {name} defined in inter.broker.listener.name not found in listener.security.protocol.map.",
                $"Add {name}:PLAINTEXT to listener.security.protocol.map.");
        }

        name = string.IsNullOrEmpty(name) ? Text(ConfigKeys.SecurityInterBrokerProtocol)!.Trim().ToUpperInvariant() : name;
        if (!HasErrorFor(ConfigKeys.Listeners) && !HasErrorFor(ConfigKeys.AdvertisedListeners) && !HasErrorFor(ConfigKeys.InterBrokerListenerName)
            && !advertised.Exists(endpoint => endpoint.Name == name))
        {
            Error(ConfigKeys.InterBrokerListenerName,
                "inter.broker.listener.name must be a listener name defined in advertised.listeners. "
                + $"The valid options based on currently configured listeners are {string.Join(",", advertised.Select(endpoint => endpoint.Name))}",
                $"Set inter.broker.listener.name={advertised.FirstOrDefault()?.Name ?? "PLAINTEXT"}. (It is {name} now, by security.inter.broker.protocol unless it is set.)");
        }

        return name;
    }

    private void CheckControlPlane(List<ListenerEndpoint> advertised, string interBroker)
    {
        var name = Text(ConfigKeys.ControlPlaneListenerName)?.Trim().ToUpperInvariant();
        if (string.IsNullOrEmpty(name))
        {
            return;
        }

        if (name == interBroker)
        {
            Error(ConfigKeys.ControlPlaneListenerName,
                "control.plane.listener.name, when defined, should have a different value from the inter broker listener name. "
                + $"Currently they both have the value {name}", "Name another listener, or remove the key.");
        }
        else if (!advertised.Exists(endpoint => endpoint.Name == name))
        {
            Error(ConfigKeys.ControlPlaneListenerName,
                "control.plane.listener.name must be a listener name defined in advertised.listeners. "
                + $"The valid options based on currently configured listeners are {string.Join(",", advertised.Select(endpoint => endpoint.Name))}",
                "Name one of these, or remove the key.");
        }
    }

    private ListenerEndpoint WithHost(ListenerEndpoint endpoint) => endpoint.Host.Length == 0 ? endpoint with { Host = localHostName } : endpoint;

    private string? Text(ConfigKey key) => given.TryGetValue(key.Name, out var entry) ? entry.Value : key.DefaultText;

    private bool HasErrorFor(ConfigKey key) => errors.Exists(error => error.Key == key.Name);

    private void Error(ConfigKey key, string reason, string remedy)
    {
        given.TryGetValue(key.Name, out var entry);
        errors.Add(new ConfigError(key.Name, entry.Value ?? key.DefaultText, entry.Origin, reason, remedy));
    }
}
