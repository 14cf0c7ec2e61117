namespace Broker.Storage;

/// <summary>
/// Exclusive use of a log directory while this lives, by its .lock file: the framework's own lock against other brokers of this kind, a POSIX record lock over the
/// whole file against Apache Kafka, which uses that one.
/// </summary>
internal sealed class DirectoryLock : IDisposable
{
    private const string FileName = ".lock";

    private readonly IDisposable _file;

    private DirectoryLock(IDisposable file) => _file = file;

    /// <exception cref="LoadException">Somebody else has it.</exception>
    public static DirectoryLock Acquire(LogFiles files, string directory)
    {
        try
        {
            return new DirectoryLock(files.Lock(Path.Combine(directory, FileName)));
        }
        catch (IOException e) when (e is not DirectoryNotFoundException)
        {
            throw new LoadException(
                $"Failed to acquire lock on file .lock in {directory}. A Kafka instance in another process or thread is using this directory.", e);
        }
    }

    public void Dispose() => _file.Dispose();
}
