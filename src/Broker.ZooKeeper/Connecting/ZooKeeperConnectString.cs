using System.Globalization;

namespace Broker.ZooKeeper;

/// <summary>A server as the connect string names it.</summary>
public readonly record struct ZooKeeperServerAddress(string Host, int Port)
{
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

/// <summary><c>host1:2181,host2,[::1]:2181/chroot</c>: the servers, and the node below which all paths are.</summary>
public sealed class ZooKeeperConnectString
{
    private const int DefaultPort = 2181;

    private ZooKeeperConnectString(IReadOnlyList<ZooKeeperServerAddress> servers, string chroot)
    {
        Servers = servers;
        Chroot = chroot;
    }

    public IReadOnlyList<ZooKeeperServerAddress> Servers { get; }

    /// <summary>Empty, or a path without a slash at its end.</summary>
    public string Chroot { get; }

    /// <exception cref="FormatException">Says what is wrong with which part.</exception>
    public static ZooKeeperConnectString Parse(string text)
    {
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        string chroot = slash < 0 ? "" : text[slash..].Trim();
        if (chroot == "/")
        {
            chroot = "";
        }
        else if (chroot.EndsWith('/') || chroot.Contains("//", StringComparison.Ordinal))
        {
            throw new FormatException($"'{chroot}' in '{text}' is no path below which nodes can be: write it like /kafka, without a slash at the end");
        }

        var servers = new List<ZooKeeperServerAddress>();
        foreach (string part in (slash < 0 ? text : text[..slash]).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            servers.Add(Server(part, text));
        }

        return servers.Count == 0
            ? throw new FormatException($"'{text}' names no ZooKeeper server: write host:port, several separated by commas")
            : new ZooKeeperConnectString(servers, chroot);
    }

    public override string ToString() => string.Join(',', Servers) + Chroot;

    private static ZooKeeperServerAddress Server(string part, string text)
    {
        int hostEnd = part.StartsWith('[') ? part.IndexOf(']', StringComparison.Ordinal) + 1 : part.LastIndexOf(':');
        string host = hostEnd < 0 ? part : part[..hostEnd];
        string rest = hostEnd < 0 ? "" : part[hostEnd..];
        int port = DefaultPort;
        bool portIsFine = rest.Length == 0 || (rest[0] == ':' && int.TryParse(rest.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535);
        host = host.Trim('[', ']');
        return host.Length > 0 && portIsFine
            ? new ZooKeeperServerAddress(host, port)
            : throw new FormatException($"'{part}' in '{text}' is no server: write host:port with a port from 1 to 65535");
    }
}
