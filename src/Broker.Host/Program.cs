using Broker.Configuration;
using Broker.Host.Health;
using Broker.Host.Logging;
using Broker.Host.Startup;
using Broker.Host.Trees;
using Broker.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Serilog;

namespace Broker.Host;

internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        var commandLine = CommandLine.Parse(args);
        switch (commandLine.Kind)
        {
            case CommandKind.Help:
                Console.WriteLine(CommandLine.Help);
                return 0;
            case CommandKind.Version:
                Console.WriteLine(ProductVersion.Text);
                return 0;
            case CommandKind.PrintConfigDocs:
                Console.Write(ConfigDocs.Print());
                return 0;
            case CommandKind.PrintProtocolDocs:
                Console.Write(ProtocolDocs.Print());
                return 0;
            case CommandKind.HealthCheck:
                return await HealthCheck.RunAsync(commandLine.BootstrapServer).ConfigureAwait(false);
            case CommandKind.TreeCopy:
                return await TreeCopyCommand.RunAsync(commandLine).ConfigureAwait(false);
            default:
                return await RunAsync(commandLine).ConfigureAwait(false);
        }
    }

    private static async Task<int> RunAsync(CommandLine commandLine)
    {
        var sources = ConfigurationSources.Read(commandLine, ConfigurationSources.CurrentEnvironment());
        if (sources.Config is null)
        {
            ErrorReport.Print(Console.Error, sources.Errors);
            return 1;
        }

        if (DataDirectoryCheck.Run(sources.Config) is { } problem)
        {
            ErrorReport.Print(Console.Error, [problem]);
            return 1;
        }

        // Not the host's own builder defaults: they read files and watch directories, which costs a third of the start-up time.
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = "broker" });
        using var logger = LoggingSetup.Create(sources.LogLevels);
        builder.Services.AddSerilog(logger);
        builder.Services.Configure<ConsoleLifetimeOptions>(options => options.SuppressStatusMessages = true);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromMinutes(1));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(sources);
        builder.Services.AddSingleton(sources.Config);
        builder.Services.AddHostedService<BrokerService>();
        using var host = builder.Build();
        try
        {
            await host.RunAsync().ConfigureAwait(false);
            return 0;
        }
        catch (OperationCanceledException)
        {
            // Stopped while it was still starting.
            return 0;
        }
        catch (Exception failure)
        {
            ErrorReport.Print(Console.Error, failure);
            return 1;
        }
    }
}
