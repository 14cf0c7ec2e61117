using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Broker.Repository;

/// <summary>The walls of ARCHITECTURE.md are those of the project files.</summary>
public sealed partial class LayeringTests
{
    [Fact]
    public void Projects_reference_what_the_table_allows_and_nothing_else()
    {
        Dictionary<string, string[]> allowed = Table();
        var problems = new List<string>();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            string project = Path.GetFileNameWithoutExtension(file);
            if (!allowed.TryGetValue(project, out string[]? may))
            {
                problems.Add($"{project} is not in the table");
                continue;
            }

            string[] references = [.. XDocument.Load(file).Descendants("ProjectReference")
                .Where(r => (string?)r.Attribute("OutputItemType") != "Analyzer")
                .Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!))];
            problems.AddRange(references.Except(may).Select(r => $"{project} references {r}, which the table does not allow"));
        }

        problems.AddRange(allowed.Keys.Where(p => !Directory.Exists(Path.Combine(Checkout.Root, "src", p))).Select(p => $"{p} is in the table but not in src/"));
        Assert.Empty(problems);
    }

    [Fact]
    public void Transitive_references_are_off_and_libraries_are_ready_for_aot()
    {
        string props = File.ReadAllText(Path.Combine(Checkout.Root, "Directory.Build.props"));
        Assert.Contains("<DisableTransitiveProjectReferences>true</DisableTransitiveProjectReferences>", props, StringComparison.Ordinal);
        Assert.Contains("<TreatWarningsAsErrors>true</TreatWarningsAsErrors>", props, StringComparison.Ordinal);
        Assert.Contains("<IsAotCompatible>true</IsAotCompatible>", props, StringComparison.Ordinal);
    }

    private static Dictionary<string, string[]> Table()
    {
        var rows = TableRow().Matches(File.ReadAllText(Path.Combine(Checkout.Root, "ARCHITECTURE.md")));
        string[] projects = [.. rows.Select(r => r.Groups[1].Value)];
        return rows.ToDictionary(
            row => row.Groups[1].Value,
            row => row.Groups[2].Value.Trim() switch
            {
                "-" => [],
                "all of the above" => [.. projects.TakeWhile(p => p != row.Groups[1].Value)],
                var list => list.Split(',', StringSplitOptions.TrimEntries).Select(name => $"Broker.{name}").ToArray(),
            });
    }

    [GeneratedRegex(@"^\| `(Broker\.[A-Za-z.]+)` \| [^|]+ \| ([^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex TableRow();
}
