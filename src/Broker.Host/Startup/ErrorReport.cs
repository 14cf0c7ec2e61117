using System.Globalization;
using Broker.Configuration;

namespace Broker.Host.Startup;

/// <summary>Says why the broker does not start: one block that a person can act on, ended by the line that Kafka's users search for.</summary>
internal static class ErrorReport
{
    private const string LastLine = "Exiting Kafka due to fatal exception during startup. (kafka.Kafka$)";

    public static void Print(TextWriter output, IReadOnlyList<ConfigError> errors)
    {
        output.WriteLine();
        output.WriteLine(errors.Count == 1
            ? "The broker cannot start: there is an error in its configuration."
            : string.Create(CultureInfo.InvariantCulture, $"The broker cannot start: there are {errors.Count} errors in its configuration."));
        foreach (var error in errors)
        {
            output.WriteLine();
            output.WriteLine($"  {error.Key}{(error.Value is null ? "" : $" = {error.Value}")}{(error.Origin is null ? "" : $"   ({error.Origin})")}");
            output.WriteLine($"    wrong: {error.Reason}");
            output.WriteLine($"    do:    {error.Remedy}");
        }

        output.WriteLine();
        output.WriteLine(LastLine);
    }

    public static void Print(TextWriter output, Exception failure)
    {
        output.WriteLine();
        output.WriteLine("The broker cannot start.");
        output.WriteLine();
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            output.WriteLine($"  {cause.Message}");
        }

        // A failure that the broker has words for needs no stack trace; anything else does.
        if (failure is not (IOException or UnauthorizedAccessException or InvalidOperationException) && failure.GetType().Namespace?.StartsWith("Broker.", StringComparison.Ordinal) != true)
        {
            output.WriteLine();
            output.WriteLine(failure);
        }

        output.WriteLine();
        output.WriteLine(LastLine);
    }
}
