using System.Net;

namespace Broker.Network;

/// <summary>One form per address, so that an IPv4 client is the same on a dual-stack listener as on any other.</summary>
internal static class ClientAddress
{
    public static IPAddress Normalise(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    public static IPEndPoint Normalise(EndPoint? endPoint)
    {
        var internet = (IPEndPoint)(endPoint ?? new IPEndPoint(IPAddress.None, 0));
        return internet.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(internet.Address.MapToIPv4(), internet.Port) : internet;
    }
}
