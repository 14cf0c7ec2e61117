using System.Net;
using System.Net.Sockets;

namespace Broker.Host.Startup;

/// <summary>
/// The name that a listener without a host advertises: the host name of the machine, as in Kafka, when it resolves here (then it is known
/// to the network of a compose, too), else localhost, so that a laptop without a name in DNS is usable.
/// </summary>
internal static class LocalHostName
{
    public const string Fallback = "localhost";

    // Own names come from /etc/hosts or a local resolver in a few ms; start-up does not wait for more.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    public static string Resolve()
    {
        var name = Dns.GetHostName();
        try
        {
            var lookup = Dns.GetHostAddressesAsync(name);
            return lookup.Wait(Patience) && lookup.Result.Length > 0 ? name : Fallback;
        }
        catch (AggregateException failure) when (failure.InnerException is SocketException)
        {
            return Fallback;
        }
    }
}
