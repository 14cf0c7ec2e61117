using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Broker.Server;

namespace Broker.Host.Startup;

/// <summary>What an operator wants to know of a broker that has just started, above all who can reach it by which listener.</summary>
internal sealed class StartupSummary(StartupReport report, string sources, IReadOnlyDictionary<string, NameState> names)
{
    public string Text()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Broker {report.BrokerId} is ready, {Math.Round(SinceProcessStart().TotalMilliseconds)} ms after its start.\n");
        text.Append($"  version        {ProductVersion.Text}\n");
        text.Append($"  cluster id     {report.ClusterId}\n");
        text.Append($"  data           {string.Join(", ", report.DataDirectories)}\n");
        text.Append($"  configuration  {sources}");
        foreach (var listener in report.Listeners)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n  listener       {listener.Name}: listens on {Where(listener)} port {listener.BoundPort}, {Advertised(listener)}");
        }

        return text.ToString();
    }

    public IEnumerable<string> Warnings()
    {
        foreach (var listener in report.Listeners)
        {
            var state = State(listener);
            if (state == NameState.Loopback && !IsLoopback(listener.BoundHost))
            {
                yield return $"Listener {listener.Name} is open to other machines, but tells every client to connect to {listener.AdvertisedHost}, "
                    + "which is the client itself. For clients elsewhere set advertised.listeners to a name of this machine that they can resolve.";
            }
            else if (state == NameState.Unknown)
            {
                yield return $"Listener {listener.Name} advertises {listener.AdvertisedHost}, which does not resolve on this machine. "
                    + "Clients that cannot resolve it either will see \"No resolvable bootstrap urls\" or connection errors; check advertised.listeners.";
            }
        }
    }

    private string Advertised(ListenerReport listener)
    {
        if (listener.AdvertisedHost.Length == 0)
        {
            return "is not advertised: no client can use it";
        }

        var users = State(listener) switch
        {
            NameState.Loopback => "for clients on this machine only",
            NameState.Address => "for clients that reach this address",
            NameState.Resolves => "resolves here, for clients that resolve it too",
            NameState.Unknown => "does NOT resolve here, for clients that resolve it elsewhere",
            _ => "not resolved yet",
        };
        return string.Create(CultureInfo.InvariantCulture, $"advertises {listener.AdvertisedHost}:{listener.AdvertisedPort} ({users})");
    }

    private NameState? State(ListenerReport listener) => names.TryGetValue(listener.AdvertisedHost, out var state) ? state : null;

    private static string Where(ListenerReport listener) =>
        listener.BoundHost is "" or "0.0.0.0" or "::" ? "every interface" : IsLoopback(listener.BoundHost) ? $"{listener.BoundHost} (this machine)" : listener.BoundHost;

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static TimeSpan SinceProcessStart()
    {
        using var process = Process.GetCurrentProcess();
        return DateTime.Now - process.StartTime;
    }
}
