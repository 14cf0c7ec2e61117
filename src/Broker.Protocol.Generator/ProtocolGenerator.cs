using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Broker.Protocol.Generator;

/// <summary>Turns every <c>.schema</c> file into message types, and all of them into the API catalogue. One file changes, one file is made anew.</summary>
[Generator]
public sealed class ProtocolGenerator : IIncrementalGenerator
{
    /// <summary>Names of the cached steps, for the test that they are.</summary>
    public const string FilesStep = "SchemaFiles";

    /// <inheritdoc cref="FilesStep"/>
    public const string CatalogStep = "Catalog";

    private static readonly DiagnosticDescriptor Malformed = new DiagnosticDescriptor(
        "SCHEMA001", "Malformed schema", "{0}", "Schemas", DiagnosticSeverity.Error, isEnabledByDefault: true);

    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<SchemaFile> files = context.AdditionalTextsProvider
            .Where(file => file.Path.EndsWith(".schema", StringComparison.Ordinal))
            .Select((file, cancellation) => new SchemaFile(file.Path, file.GetText(cancellation)?.ToString() ?? ""))
            .WithTrackingName(FilesStep);
        context.RegisterSourceOutput(files, EmitMessages);

        IncrementalValuesProvider<CatalogEntry> entries = files
            .Where(file => file.Schema != null)
            .Select((file, _) => new CatalogEntry(file.Schema!))
            .WithTrackingName(CatalogStep);
        context.RegisterSourceOutput(
            entries.Collect(),
            (output, all) => output.AddSource("ApiCatalog.g.cs", SourceText.From(CatalogEmitter.Emit(all), Encoding.UTF8)));
    }

    private static void EmitMessages(SourceProductionContext output, SchemaFile file)
    {
        if (file.Schema is { } schema && schema.Name == Path.GetFileNameWithoutExtension(file.Path))
        {
            output.AddSource(schema.Name + ".g.cs", SourceText.From(new MessageEmitter(schema).Emit(), Encoding.UTF8));
            return;
        }

        SchemaException error = file.Error ?? new SchemaException(1, "The file of " + file.Schema!.Name + " has to be called " + file.Schema.Name + ".schema");
        var position = new LinePosition(error.Line - 1, 0);
        output.ReportDiagnostic(Diagnostic.Create(Malformed, Location.Create(file.Path, default, new LinePositionSpan(position, position)), error.Message));
    }
}
