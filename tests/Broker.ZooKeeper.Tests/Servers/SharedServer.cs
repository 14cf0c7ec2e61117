namespace Broker.ZooKeeper.Tests;

/// <summary>One server for all tests of a class; each has a chroot of its own.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    private static int _chroots;

    private ZooKeeperServer? _server;

    public ZooKeeperServer Server => _server ?? throw new InvalidOperationException(ZooKeeperInstallation.WhatIsMissing);

    public async Task InitializeAsync()
    {
        if (ZooKeeperInstallation.Current is not null)
        {
            _server = await ZooKeeperServer.StartAsync();
        }
    }

    /// <summary>A connect string with a chroot that nobody else uses.</summary>
    public string NewTree() => $"{Server.Address}/test/{Interlocked.Increment(ref _chroots)}";

    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
