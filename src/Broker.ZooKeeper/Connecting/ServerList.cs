namespace Broker.ZooKeeper;

/// <summary>
/// The servers in a random order of this client, so that the clients of an ensemble spread; tried one after the other. Used by one loop at a time.
/// </summary>
internal sealed class ServerList
{
    private readonly ZooKeeperServerAddress[] _servers;
    private int _next;

    public ServerList(IReadOnlyList<ZooKeeperServerAddress> servers, Random random)
    {
        _servers = [.. servers];
        random.Shuffle(_servers);
    }

    public int Count => _servers.Length;

    public ZooKeeperServerAddress Next()
    {
        ZooKeeperServerAddress server = _servers[_next];
        _next = (_next + 1) % _servers.Length;
        return server;
    }
}
