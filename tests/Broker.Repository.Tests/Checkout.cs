namespace Broker.Repository;

/// <summary>The files of the checkout under test.</summary>
internal static class Checkout
{
    public static string Root { get; } = FindRoot();

    /// <summary>Source files that people write, by extension; build output and installed packages are not among them.</summary>
    public static IEnumerable<string> Files(params string[] extensions) =>
        Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
            .Where(path => extensions.Contains(Path.GetExtension(path)))
            .Where(path => !Relative(path).Split('/').Any(part => part is "bin" or "obj" or "artifacts" or "node_modules" or ".git" or "data"));

    public static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    private static string FindRoot()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Broker.sln")))
            {
                return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No Broker.sln above {AppContext.BaseDirectory}");
    }
}
