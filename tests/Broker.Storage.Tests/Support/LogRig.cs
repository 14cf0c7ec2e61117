using Broker.Configuration;
using Broker.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Storage.Tests;

/// <summary>One log directory with a manager whose clock the test moves; can stop it cleanly or as a crash does, and start it again.</summary>
internal sealed class LogRig : IDisposable
{
    private readonly TempDirectory _directory = new();

    public LogRig(TopicConfig? config = null, LogFiles? files = null, bool hasThreads = true)
    {
        HasThreads = hasThreads;
        Config = config ?? TopicConfig.Default;
        Files = files ?? LogFiles.Disk;
        Clock = new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(Batches.Now));
        Manager = Open();
    }

    public static TopicPartition Partition { get; } = new("t", 0);

    public static Guid TopicId { get; } = new("01020304-0506-0708-090a-0b0c0d0e0f10");

    public TopicConfig Config { get; set; }

    public LogFiles Files { get; set; }

    /// <summary>Whether transactional batches need a verification.</summary>
    public bool VerifiesTransactions { get; set; }

    /// <summary>Without threads: a test cleans when it says so.</summary>
    public CleanerOptions Cleaner { get; set; } = new() { IsEnabled = false };

    /// <summary>False: nothing happens in the background, <see cref="Advance"/> does what is due.</summary>
    public bool HasThreads { get; }

    public FakeTimeProvider Clock { get; }

    public ILoggerFactory Loggers { get; set; } = NullLoggerFactory.Instance;

    public LogManager Manager { get; private set; }

    public PartitionLog Log => Manager.GetOrCreate(Partition, TopicId, Config);

    public string Root => _directory.Path;

    public string PartitionPath => _directory["t-0"];

    public static TopicConfig Topic(params (string Key, string Value)[] overrides) =>
        TopicConfig.Create(BrokerConfig.Default, overrides.ToDictionary(o => o.Key, o => o.Value));

    public void Restart()
    {
        Manager.ShutdownAsync().Wait();
        Manager = Open();
    }

    public void Crash()
    {
        Manager.Abandon();
        Manager = Open();
    }

    /// <summary>Stops as a crash does, lets the test damage files, starts again.</summary>
    public void Crash(Action damage)
    {
        Manager.Abandon();
        damage();
        Manager = Open();
    }

    public void Stop() => Manager.ShutdownAsync().Wait();

    /// <summary>Moves the clock and does what is due then, on this thread.</summary>
    public void Advance(TimeSpan time)
    {
        Clock.Advance(time);
        Manager.Maintenance.RunDue();
    }

    public AppendResult Append(byte[] batch, int leaderEpoch = 0, AppendOrigin origin = AppendOrigin.Client)
    {
        PartitionLog log = Log;
        AppendResult result = log.AppendAndFlush(batch, leaderEpoch, origin);
        log.AdvanceHighWatermark(log.LogEndOffset);
        return result;
    }

    public string[] FilesOfPartition() => [.. Directory.GetFiles(PartitionPath).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        Manager.Abandon();
        _directory.Dispose();
    }

    private LogManager Open()
    {
        LogManagerOptions options = new() { Directories = [_directory.Path], BrokerId = 1, ClusterId = "cluster", ConfigOf = _ => Config, Cleaner = () => Cleaner, HasThreads = HasThreads, VerifiesTransactions = () => VerifiesTransactions };
        LogManager manager = new(options, Clock, Loggers, Files);
        manager.LoadAsync(CancellationToken.None).Wait();
        return manager;
    }
}
