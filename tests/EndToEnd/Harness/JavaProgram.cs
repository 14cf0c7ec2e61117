using System.Diagnostics;

namespace Broker.EndToEnd;

/// <summary>A small Java program, compiled once against a released Kafka and run with the libraries of any. Disposal removes the classes.</summary>
internal sealed class JavaProgram : IDisposable
{
    private readonly string _classes = Directory.CreateTempSubdirectory("broker-e2e-java-").FullName;
    private readonly string _name;

    private JavaProgram(string name) => _name = name;

    /// <summary>Compiles <paramref name="source"/>, whose class is called <paramref name="name"/>.</summary>
    public static async Task<JavaProgram> CompileAsync(string name, string source, string against)
    {
        var program = new JavaProgram(name);
        string file = Path.Combine(program._classes, $"{name}.java");
        await File.WriteAllTextAsync(file, source);
        (await Command.RunAsync("javac", ["-d", program._classes, "-cp", Path.Combine(Repository.KafkaReleases!, against, "libs", "*"), file])).Succeeded();
        return program;
    }

    public Task<CommandResult> RunAsync(string version, params string[] arguments) =>
        Command.RunAsync("bash", [Script, version, _name, .. arguments], environment: Environment());

    /// <summary>Runs it in the background; the process is that of the JVM itself.</summary>
    public Process Start(string version, params string[] arguments) => Command.Start("bash", [Script, version, _name, .. arguments], Environment());

    public void Dispose() => Directory.Delete(_classes, recursive: true);

    private static string Script => Path.Combine(Repository.KafkaReleases!, "run-class.sh");

    private Dictionary<string, string> Environment() => new() { ["CLASSPATH"] = _classes };
}
