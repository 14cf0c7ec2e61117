using Broker.Configuration;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>One broker: made from a configuration snapshot, started once, stopped once. The owner disposes it after it stopped.</summary>
public sealed class BrokerServer : IAsyncDisposable
{
    public BrokerServer(BrokerConfig config, TimeProvider time, ILoggerFactory loggers)
    {
        _ = config;
        _ = time;
        _ = loggers;
    }

    /// <summary>What start-up found; complete when <see cref="StartAsync"/> has returned.</summary>
    public StartupReport Report { get; } = new(BrokerId: 0, ClusterId: "", Listeners: [], DataDirectories: []);

    /// <summary>Returns when the broker answers Metadata on every listener.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Finishes the requests taken, flushes and writes the clean-shutdown mark.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
