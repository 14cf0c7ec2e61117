using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace Broker.Host.Logging;

/// <summary>Serilog in code (its configuration readers need reflection): one console sink with Kafka's line format.</summary>
internal static class LoggingSetup
{
    private const LogEventLevel Off = LogEventLevel.Fatal + 1;

    /// <param name="levels">A level, and after commas CATEGORY=LEVEL, for example `INFO,Broker.Storage=DEBUG`.</param>
    public static Logger Create(string levels)
    {
        var configuration = new LoggerConfiguration()
            .MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)

            // A failed start is told once, by the error report.
            .MinimumLevel.Override("Microsoft.Extensions.Hosting.Internal.Host", Off);
        foreach (var part in levels.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var level = Level(part[(equals + 1)..]);
            configuration = equals < 0 ? configuration.MinimumLevel.Is(level) : configuration.MinimumLevel.Override(part[..equals], level);
        }

        return configuration.WriteTo.Console(new KafkaLineFormatter()).CreateLogger();
    }

    private static LogEventLevel Level(string name) => name.ToUpperInvariant() switch
    {
        "TRACE" or "ALL" => LogEventLevel.Verbose,
        "DEBUG" => LogEventLevel.Debug,
        "WARN" or "WARNING" => LogEventLevel.Warning,
        "ERROR" => LogEventLevel.Error,
        "FATAL" => LogEventLevel.Fatal,
        "OFF" => Off,
        _ => LogEventLevel.Information,
    };
}
