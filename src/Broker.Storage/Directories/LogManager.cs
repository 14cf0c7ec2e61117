using Broker.Configuration;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Storage;

/// <summary>Owns the log directories, their locks and checkpoints, every partition's log and all background work on them. Thread-safe.</summary>
public sealed class LogManager : IAsyncDisposable
{
    public LogManager(LogManagerOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        _ = options;
        _ = time;
        _ = loggers;
    }

    public IReadOnlyCollection<PartitionLog> Logs => throw new NotImplementedException();

    public IReadOnlyList<LogDirectory> Directories => throw new NotImplementedException();

    public Task LoadAsync(CancellationToken ct) => throw new NotImplementedException();

    public PartitionLog? Find(TopicPartition tp) => throw new NotImplementedException();

    public PartitionLog GetOrCreate(TopicPartition tp, Guid topicId, TopicConfig config) => throw new NotImplementedException();

    public void Delete(TopicPartition tp) => throw new NotImplementedException();

    public Task ShutdownAsync() => throw new NotImplementedException();

    public ValueTask DisposeAsync() => new(ShutdownAsync());
}
