using System.Runtime.InteropServices;
using Broker.Configuration;
using Broker.Server;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Broker.Host.Startup;

/// <summary>Runs one <see cref="BrokerServer"/> within the generic host, which starts and stops it once. Owns the server.</summary>
internal sealed class BrokerService(BrokerConfig config, ConfigurationSources sources, TimeProvider time, ILoggerFactory loggers) : IHostedService, IAsyncDisposable
{
    private readonly BrokerServer _server = new(config, time, loggers);
    private readonly NameChecks _names = new(config);
    private readonly CancellationTokenSource _stopping = new();
    private Task _topics = Task.CompletedTask;
    private PosixSignalRegistration? _describe;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var log = loggers.CreateLogger("broker");
        foreach (var notice in sources.Notices)
        {
            StartupLog.Notice(log, notice);
        }

        _names.Begin();
        await _server.StartAsync(cancellationToken).ConfigureAwait(false);
        var report = _server.Report;
        var summary = new StartupSummary(report, sources.Description, await _names.CollectAsync(report).ConfigureAwait(false));
        StartupLog.Summary(log, summary.Text());
        foreach (var warning in summary.Warnings())
        {
            StartupLog.Notice(log, warning);
        }

        _describe = OnUserSignal(_server.LogPartitions);
        AnnounceReadiness(report.BrokerId);
        _topics = sources.Topics.Count == 0 ? Task.CompletedTask : TopicCreator.RunAsync(report, sources.Topics, log, _stopping.Token);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _topics.ConfigureAwait(false);
        await _server.StopAsync(cancellationToken).ConfigureAwait(false);
        StartupLog.ShutDownCompleted(loggers.CreateLogger("kafka.server.KafkaServer"), _server.Report.BrokerId);
    }

    public async ValueTask DisposeAsync()
    {
        _describe?.Dispose();
        await _server.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    /// <summary>SIGUSR1, which would end the process otherwise, makes the broker describe its partitions. Windows has no such signal.</summary>
    private static PosixSignalRegistration? OnUserSignal(Action action)
    {
        const int OnLinux = 10, Elsewhere = 30;
        return OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create((PosixSignal)(OperatingSystem.IsLinux() ? OnLinux : Elsewhere), context =>
        {
            context.Cancel = true;
            action();
        });
    }

    // Test libraries and health checks wait for one of these lines: they come when every listener answers, not before.
    private void AnnounceReadiness(int brokerId)
    {
        StartupLog.Unfenced(loggers.CreateLogger("kafka.server.BrokerLifecycleManager"), brokerId);
        StartupLog.Started(loggers.CreateLogger("kafka.server.KafkaServer"), brokerId);
        StartupLog.RaftStarted(loggers.CreateLogger("kafka.server.KafkaRaftServer"), brokerId);
    }
}
