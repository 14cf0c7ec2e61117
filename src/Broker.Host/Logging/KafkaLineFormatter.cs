using System.Globalization;
using Serilog.Events;
using Serilog.Formatting;

namespace Broker.Host.Logging;

/// <summary>`[2024-11-24 11:02:03,456] INFO message (category)`, as Kafka's log4j pattern prints it; tools match on these lines. Stateless.</summary>
internal sealed class KafkaLineFormatter : ITextFormatter
{
    public void Format(LogEvent logEvent, TextWriter output)
    {
        output.Write('[');
        output.Write(logEvent.Timestamp.ToString("yyyy-MM-dd HH:mm:ss,fff", CultureInfo.InvariantCulture));
        output.Write("] ");
        output.Write(Name(logEvent.Level));
        output.Write(' ');
        foreach (var token in logEvent.MessageTemplate.Tokens)
        {
            WriteToken(token, logEvent, output);
        }

        if (logEvent.Properties.TryGetValue("SourceContext", out var category) && category is ScalarValue { Value: string name })
        {
            output.Write(" (");
            output.Write(name);
            output.Write(')');
        }

        output.WriteLine();
        if (logEvent.Exception is { } exception)
        {
            output.WriteLine(exception);
        }
    }

    // Serilog would print texts in quotes.
    private static void WriteToken(Serilog.Parsing.MessageTemplateToken token, LogEvent logEvent, TextWriter output)
    {
        if (token is Serilog.Parsing.PropertyToken property && logEvent.Properties.TryGetValue(property.PropertyName, out var value) && value is ScalarValue { Value: string text })
        {
            output.Write(text);
            return;
        }

        token.Render(logEvent.Properties, output, CultureInfo.InvariantCulture);
    }

    private static string Name(LogEventLevel level) => level switch
    {
        LogEventLevel.Verbose => "TRACE",
        LogEventLevel.Debug => "DEBUG",
        LogEventLevel.Information => "INFO",
        LogEventLevel.Warning => "WARN",
        LogEventLevel.Error => "ERROR",
        _ => "FATAL",
    };
}
