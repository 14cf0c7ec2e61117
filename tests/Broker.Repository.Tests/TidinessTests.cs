using System.Text.RegularExpressions;

namespace Broker.Repository;

/// <summary>Habits that a compiler does not check.</summary>
public sealed partial class TidinessTests
{
    private const int MaxLines = 500;
    private const int MaxColumns = 240;

    private static readonly string[] VagueNames = ["Utils", "Util", "Helpers", "Helper", "Common", "Misc", "Abstractions"];

    [Fact]
    public void Source_files_are_short_and_narrow()
    {
        var problems = new List<string>();
        foreach (string file in Checkout.Files(".cs"))
        {
            string[] lines = File.ReadAllLines(file);
            if (lines.Length > MaxLines)
            {
                problems.Add($"{Checkout.Relative(file)} has {lines.Length} lines; {MaxLines} is a reason to split");
            }

            int wide = Array.FindIndex(lines, line => line.Length > MaxColumns);
            if (wide >= 0 && !Checkout.Relative(file).StartsWith("tests/", StringComparison.Ordinal))
            {
                problems.Add($"{Checkout.Relative(file)}:{wide + 1} has {lines[wide].Length} columns, more than {MaxColumns}");
            }
        }

        Assert.Empty(problems);
    }

    [Fact]
    public void No_file_is_named_after_nothing_in_particular() =>
        Assert.Empty(Checkout.Files(".cs", ".csproj").Where(f => VagueNames.Any(v => Path.GetFileNameWithoutExtension(f).Split('.').Any(part => part.EndsWith(v, StringComparison.Ordinal)))));

    [Fact]
    public void Nothing_is_caught_and_forgotten()
    {
        var problems = Checkout.Files(".cs")
            .Where(file => EmptyCatch().IsMatch(File.ReadAllText(file)))
            .Select(Checkout.Relative);
        Assert.Empty(problems);
    }

    [Fact]
    public void Todo_marks_do_not_stay() =>
        Assert.Empty(Checkout.Files(".cs", ".sh", ".yml").Where(f => !f.EndsWith("TidinessTests.cs", StringComparison.Ordinal) && TodoMark().IsMatch(File.ReadAllText(f))).Select(Checkout.Relative));

    /// <summary>What comes after a wait would run on the thread that ends it: a client's own, say, which then cannot be disposed of.</summary>
    [Fact]
    public void Whoever_ends_a_wait_does_not_run_what_comes_after_it() =>
        Assert.Empty(Checkout.Files(".cs").Where(file => InlineContinuations().IsMatch(File.ReadAllText(file))).Select(Checkout.Relative));

    [Fact]
    public void Root_files_are_there()
    {
        string[] expected =
        [
            "Broker.sln", "Directory.Build.props", "Directory.Packages.props", ".editorconfig", "global.json", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md",
            "CHANGELOG.md", "LICENSE", ".ci/run", "config/server.properties", "docker/Dockerfile", "docker-compose.yml", "docs/configuration.md", "docs/protocol-support.md",
        ];
        Assert.Empty(expected.Where(path => !File.Exists(Path.Combine(Checkout.Root, path))));
    }

    /// <summary>A catch whose body is empty, without even a comment that says why. One with a filter has done its work there.</summary>
    [GeneratedRegex(@"catch\s*(\([^)]*\))?\s*\{\s*\}")]
    private static partial Regex EmptyCatch();

    [GeneratedRegex(@"new TaskCompletionSource(<[^>]*>+)?\(\)|TaskCompletionSource(<[^=]*>)? \w+ (\{ get; (set; )?\} )?= new\(\)")]
    private static partial Regex InlineContinuations();

    [GeneratedRegex(@"\b(TODO|FIXME|XXX|HACK)\b")]
    private static partial Regex TodoMark();
}
