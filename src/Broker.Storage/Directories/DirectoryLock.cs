namespace Broker.Storage;

/// <summary>
/// Exclusive use of a log directory while this lives, by its .lock file: the framework's own lock against other brokers of this kind, a POSIX record lock over the
/// whole file against Apache Kafka, which uses that one.
/// </summary>
internal sealed class DirectoryLock : IDisposable
{
    private const string FileName = ".lock";

    private readonly FileStream _file;

    private DirectoryLock(FileStream file) => _file = file;

    /// <exception cref="LoadException">Somebody else has it.</exception>
    public static DirectoryLock Acquire(string directory)
    {
        FileStream? file = null;
        try
        {
            file = new FileStream(Path.Combine(directory, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows())
            {
                file.Lock(0, long.MaxValue);
            }

            return new DirectoryLock(file);
        }
        catch (IOException e) when (e is not DirectoryNotFoundException)
        {
            file?.Dispose();
            throw new LoadException(
                $"Failed to acquire lock on file .lock in {directory}. A Kafka instance in another process or thread is using this directory.", e);
        }
    }

    public void Dispose() => _file.Dispose();
}
