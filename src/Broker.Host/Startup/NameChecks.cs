using System.Net;
using System.Net.Sockets;
using Broker.Configuration;
using Broker.Server;

namespace Broker.Host.Startup;

/// <summary>
/// Finds out whether advertised names resolve on this machine, beside the start of the broker, so that a slow name server delays nothing.
/// Used once, by one caller.
/// </summary>
internal sealed class NameChecks(BrokerConfig config)
{
    // How long a broker that is ready waits for the last answers before it says so.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, Task<NameState>> _lookups = new(StringComparer.OrdinalIgnoreCase);

    public void Begin()
    {
        foreach (var host in config.AdvertisedListeners.Select(listener => listener.Host))
        {
            _lookups.TryAdd(host, StateOf(host));
        }
    }

    public async Task<IReadOnlyDictionary<string, NameState>> CollectAsync(StartupReport report)
    {
        var states = new Dictionary<string, NameState>(StringComparer.OrdinalIgnoreCase);
        var deadline = Task.Delay(Patience);
        foreach (var host in report.Listeners.Select(listener => listener.AdvertisedHost).Where(host => host.Length > 0).Distinct(StringComparer.OrdinalIgnoreCase))
        {
            var lookup = _lookups.GetValueOrDefault(host) ?? StateOf(host);
            states[host] = await Task.WhenAny(lookup, deadline).ConfigureAwait(false) == lookup ? await lookup.ConfigureAwait(false) : NameState.Unanswered;
        }

        return states;
    }

    private static Task<NameState> StateOf(string host) =>
        IPAddress.TryParse(host, out var address)
            ? Task.FromResult(IPAddress.IsLoopback(address) ? NameState.Loopback : NameState.Address)
            : host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? Task.FromResult(NameState.Loopback)
            : LookUpAsync(host);

    private static async Task<NameState> LookUpAsync(string host)
    {
        await Task.Yield();
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host).ConfigureAwait(false);
            return addresses.Length == 0 ? NameState.Unknown : Array.TrueForAll(addresses, IPAddress.IsLoopback) ? NameState.Loopback : NameState.Resolves;
        }
        catch (SocketException)
        {
            return NameState.Unknown;
        }
    }
}
