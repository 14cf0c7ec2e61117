namespace Broker.Cluster.Tests;

/// <summary>A directory that lives as long as its test.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("cluster-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string LogFile => File(TreeFiles.LogName);

    public string SnapshotFile => File(TreeFiles.SnapshotName);

    /// <summary>A new directory with the same files.</summary>
    public TemporaryDirectory Copy()
    {
        var copy = new TemporaryDirectory();
        foreach (string file in Directory.GetFiles(Path))
        {
            System.IO.File.Copy(file, copy.File(System.IO.Path.GetFileName(file)));
        }

        return copy;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
