using System.Collections.Immutable;
using System.Text;
using Broker.Protocol.Generator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace Broker.Protocol.Tests;

/// <summary>The generator by itself: what it says of malformed schemas, and that it does no work twice.</summary>
public sealed class GeneratorTests
{
    private const string Good =
        """
        api Sample
        key 500
        versions 0-1
        flexible 1+
        about An API that does not exist.

        history
          0 -- First version.
          1 -- Compact lengths.

        request
          Name: string 0+ -- A name.
          Items: []Item 0+ -- Some items.
            Count: int32 0+ -- How many.
          Note: string 1+ nullable 1+ tag 0 1+ default null -- A note.

        response
          ErrorCode: error 0+ -- What went wrong.
        """;

    [Fact]
    public void A_good_schema_gives_its_types_and_an_entry_of_the_catalogue()
    {
        GeneratorDriverRunResult result = Run(Good);

        Assert.Empty(result.Diagnostics);
        Assert.Equal(["ApiCatalog.g.cs", "Sample.g.cs"], result.GeneratedTrees.Select(t => Path.GetFileName(t.FilePath)).Order());
    }

    [Theory]
    [InlineData("  Name: string 0+ -- A name.", "  Name: string 0+", "meaning")]
    [InlineData("  Name: string 0+ -- A name.", "  name: string 0+ -- A name.", "PascalCase")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: text 0+ -- A name.", "no type 'text'")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: string x -- A name.", "notation")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: string 99999999999+ -- A name.", "notation")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: string 0+ optional -- A name.", "Unknown option 'optional'")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: string 0+ default -- A name.", "notation")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: int32 0+ nullable 0+ -- A name.", "cannot be null")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: int32 0+ default x -- A name.", "Default x")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: int8 0+ default 128 -- A name.", "Default 128")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: string 0+ default null -- A name.", "Default null")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: string 0+ tag 1 0+ -- A name.", "not flexible")]
    [InlineData("  Name: string 0+ -- A name.", "  Name: string 1+ tag 0 1+ -- A name.", "Tag 0 is used twice")]
    [InlineData("  Name: string 0+ -- A name.", "  Note: string 0+ -- A name.", "twice")]
    [InlineData("  Name: string 0+ -- A name.", "  Item: string 0+ -- A name.", "two names")]
    [InlineData("  Items: []Item 0+ -- Some items.", "  Items: Item 0+ nullable 1+ -- Some items.", "nullable in some")]
    [InlineData("    Count: int32 0+ -- How many.", "      Count: int32 0+ -- How many.", "nested")]
    [InlineData("    Count: int32 0+ -- How many.", "   Count: int32 0+ -- How many.", "two spaces")]
    [InlineData("    Count: int32 0+ -- How many.", "    Item: int32 0+ -- How many.", "two names")]
    [InlineData("  1 -- Compact lengths.", "  # nothing", "Version 1 has no line")]
    [InlineData("flexible 1+", "flexibel 1+", "Unknown head word 'flexibel'")]
    [InlineData("api Sample", "api Other", "Other.schema")]
    public void A_malformed_line_is_reported_with_its_place(string good, string bad, string complaint)
    {
        Assert.Contains(good, Good, StringComparison.Ordinal);
        string text = Good.Replace(good, bad, StringComparison.Ordinal);

        Diagnostic diagnostic = Assert.Single(Run(text).Diagnostics);

        Assert.Equal(("SCHEMA001", DiagnosticSeverity.Error), (diagnostic.Id, diagnostic.Severity));
        Assert.Contains(complaint, diagnostic.GetMessage(), StringComparison.Ordinal);
        FileLinePositionSpan place = diagnostic.Location.GetLineSpan();
        Assert.Equal("Schemas/Sample.schema", place.Path);
        Assert.InRange(place.StartLinePosition.Line, 0, Good.Count(c => c == '\n'));
    }

    [Fact]
    public void The_place_is_the_line_itself()
    {
        int line = Good.Split('\n').ToList().FindIndex(l => l.Contains("How many", StringComparison.Ordinal));

        Diagnostic diagnostic = Assert.Single(Run(Good.Replace("Count: int32", "Count: int23", StringComparison.Ordinal)).Diagnostics);

        Assert.Equal(line, diagnostic.Location.GetLineSpan().StartLinePosition.Line);
    }

    [Fact]
    public void One_changed_file_is_made_anew_and_the_catalogue_only_when_it_speaks_of_the_change()
    {
        var first = new SchemaText("Schemas/Sample.schema", Good);
        var second = new SchemaText("Schemas/Second.schema", Good.Replace("api Sample", "api Second", StringComparison.Ordinal));
        GeneratorDriver driver = Driver(first, second);
        CSharpCompilation compilation = CSharpCompilation.Create("Sample");
        driver = driver.RunGenerators(compilation);

        var changed = new SchemaText(second.Path, second.Text.Replace("How many.", "How many there are.", StringComparison.Ordinal));
        GeneratorRunResult result = driver.ReplaceAdditionalText(second, changed).RunGenerators(compilation).GetRunResult().Results.Single();

        Assert.Equal([IncrementalStepRunReason.Modified, IncrementalStepRunReason.Unchanged], Reasons(result, ProtocolGenerator.FilesStep));
        Assert.All(Reasons(result, ProtocolGenerator.CatalogStep), reason => Assert.NotEqual(IncrementalStepRunReason.Modified, reason));
    }

    private static IEnumerable<IncrementalStepRunReason> Reasons(GeneratorRunResult result, string step) =>
        result.TrackedSteps[step].SelectMany(s => s.Outputs).Select(o => o.Reason == IncrementalStepRunReason.Cached ? IncrementalStepRunReason.Unchanged : o.Reason).Order();

    private static GeneratorDriverRunResult Run(string schema) =>
        Driver(new SchemaText("Schemas/Sample.schema", schema)).RunGenerators(CSharpCompilation.Create("Sample")).GetRunResult();

    private static GeneratorDriver Driver(params AdditionalText[] files) => CSharpGeneratorDriver.Create(
        [new ProtocolGenerator().AsSourceGenerator()],
        files,
        driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    private sealed class SchemaText(string path, string text) : AdditionalText
    {
        public string Text => text;

        public override string Path => path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text, Encoding.UTF8);
    }
}
