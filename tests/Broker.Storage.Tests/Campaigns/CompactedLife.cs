using System.Text;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Records;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Storage.Tests;

/// <summary>
/// A random life of one compacted partition on a simulated disk: producers with and without transactions, rolls, cleaning, flushes, retention, truncation above the cleaned part,
/// deleted records, clean and unclean ends. One thread, no clock of its own: the seed decides everything.
/// </summary>
internal sealed class CompactedLife : ICrashLife
{
    private const long FirstIdempotent = 10;
    private const long FirstTransactional = 20;

    private readonly Random _random;
    private readonly SimulatedDisk _disk;
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeMilliseconds(Batches.Now));
    private readonly TopicConfig _config;
    private readonly CleanerOptions _cleaner;
    private LogManager? _manager;

    // Acknowledged; promised to be on the disk; from here on nothing was ever cleaned; where the log may start at the latest.
    private long _minEnd;
    private long _flushed;
    private long _cleaned;
    private long _maxStart;

    public CompactedLife(int seed, SimulatedDisk disk)
    {
        _random = new Random(seed);
        _disk = disk;
        _config = CleaningRig.Compacted(
            ("segment.bytes", _random.Next(2) == 0 ? "400" : "900"),
            ("index.interval.bytes", "100"),
            ("max.message.bytes", "380"),
            ("flush.messages", _random.Next(3) switch { 0 => "1", 1 => "4", _ => $"{int.MaxValue}" }),
            ("delete.retention.ms", _random.Next(2) == 0 ? "0" : "60000"),
            ("file.delete.delay.ms", _random.Next(2) == 0 ? "0" : "60000"),
            ("cleanup.policy", _random.Next(3) == 0 ? "compact,delete" : "compact"),
            ("retention.ms", "1200000"));
        _cleaner = new CleanerOptions { IsEnabled = false, DedupeBufferBytes = (_random.Next(3) == 0 ? 8 : 1000) * KeyOffsetMap.EntryBytes, IoBufferBytes = 65536 };
    }

    public LogManager? Manager => _manager;

    public PartitionLog? Log { get; private set; }

    public CleaningModel Model { get; } = new();

    public string History { get; private set; } = "";

    /// <summary>Told of each pass of the cleaner.</summary>
    public Action? OnPass { get; init; }

    public bool IsOffline => _manager is { } manager && !manager.Directories[0].IsOnline;

    /// <summary>After a power cut nothing below is missing.</summary>
    public long Promised => Log is { } log ? Math.Max(_flushed, Math.Min(log.RecoveryPoint, _minEnd)) : _flushed;

    public void Start()
    {
        _manager = Open(_disk);
        Log = _manager.GetOrCreate(LogRig.Partition, LogRig.TopicId, _config);
    }

    /// <summary>False when the directory has gone offline.</summary>
    public bool Step()
    {
        switch (_random.Next(40))
        {
            case < 10:
                Append(_random.Next(2) == 0 ? -1 : FirstIdempotent + _random.Next(2), isTransactional: false);
                break;
            case < 17:
                Append(FirstTransactional + _random.Next(3), isTransactional: true);
                break;
            case < 22:
                EndTransaction();
                break;
            case < 28:
                Clean();
                break;
            case < 30:
                Note("roll");
                RollIfThereIsRoom();
                break;
            case < 32:
                Note("flush");
                _flushed = Log!.Flush() == ErrorCode.None ? Model.End : _flushed;
                break;
            case 32:
                Reopen(isClean: true);
                break;
            case 33:
                Reopen(isClean: false);
                break;
            case < 36:
                Truncate();
                break;
            case 36:
                DeleteRecords();
                break;
            default:
                Maintain();
                break;
        }

        return !IsOffline;
    }

    public void CheckAfterCrash(SimulatedDisk disk, Random random) => CheckAfterCrash(disk, Promised, goesOn: random.Next(4) == 0);

    /// <summary>What a power cut, or the end of the process, left on a disk.</summary>
    public void CheckAfterCrash(SimulatedDisk disk, long promised, bool goesOn)
    {
        LogManager manager = Open(disk);
        Assert.True(manager.Directories[0].IsOnline, "the directory comes online");
        PartitionLog? log = manager.Find(LogRig.Partition);
        if (log is null)
        {
            Assert.True(promised == 0, $"the log is missing, {promised} was promised");
            manager.Abandon();
            return;
        }

        log.AdvanceHighWatermark(long.MaxValue);
        Model.CheckAfterCrash(log, disk, promised, _cleaned, _maxStart);
        if (goesOn)
        {
            manager = GoOn(disk, manager, log, promised);
        }

        manager.Abandon();
    }

    /// <summary>Everything is as the model has it.</summary>
    public void CheckNow() => Model.CheckAfterCrash(Log!, _disk, _minEnd, _cleaned, _maxStart);

    public void Append() => Append(-1, isTransactional: false);

    public void FindRoom()
    {
        _clock.Advance(TimeSpan.FromSeconds(3));
        _manager!.Space.Check();
    }

    /// <summary>It is cleaned and stopped cleanly, and is the same afterwards.</summary>
    private LogManager GoOn(SimulatedDisk disk, LogManager manager, PartitionLog log, long promised)
    {
        log.Roll();
        while (manager.Cleaner.CleanNext())
        {
        }

        Model.CheckAfterCrash(log, disk, promised, long.MaxValue, _maxStart);
        long end = log.LogEndOffset;
        manager.ShutdownAsync().GetAwaiter().GetResult();
        LogConsistency.CheckFiles(CampaignRun.PartitionPath, disk, isCleaned: true);
        LogManager reopened = Open(disk);
        log = reopened.Find(LogRig.Partition)!;
        log.AdvanceHighWatermark(long.MaxValue);
        Assert.Equal(end, log.LogEndOffset);
        Model.CheckAfterCrash(log, disk, promised, long.MaxValue, _maxStart);
        return reopened;
    }

    private LogManager Open(SimulatedDisk disk)
    {
        LogManagerOptions options = new()
        {
            Directories = [CampaignRun.Root],
            BrokerId = 1,
            ClusterId = "cluster",
            ConfigOf = _ => _config,
            RecoveryThreadsPerDirectory = 1,
            HasThreads = false,
            Cleaner = () => _cleaner,
            MinFreeBytes = 0,
        };
        LogManager manager = new(options, _clock, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, disk);
        manager.LoadAsync(CancellationToken.None).GetAwaiter().GetResult();
        return manager;
    }

    private void Append(long producerId, bool isTransactional)
    {
        (string Key, string? Value)[] records = [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ =>
            ($"k{_random.Next(8)}", _random.Next(4) == 0 ? null : new string((char)('a' + _random.Next(26)), _random.Next(1, 30))))];
        RecordBatchBuilder builder = new(new RecordBatchOptions
        {
            ProducerId = producerId,
            ProducerEpoch = producerId < 0 ? (short)-1 : (short)0,
            BaseSequence = producerId < 0 ? -1 : Model.NextSequence(producerId),
            IsTransactional = isTransactional,
        });
        foreach ((string key, string? value) in records)
        {
            builder.Append(NowMs, Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value));
        }

        Note($"append {Model.End}+{records.Length} of {producerId} ({string.Join(' ', records.Select(r => $"{r.Key}{(r.Value is null ? "-" : "")}"))})");
        Model.Append(producerId, isTransactional, records);
        Settle(Log!.AppendAndFlush(builder.Build(), 0, AppendOrigin.Client));
    }

    private void EndTransaction()
    {
        long producerId = FirstTransactional + _random.Next(3);
        if (!Model.IsOpen(producerId))
        {
            return;
        }

        bool isCommit = _random.Next(2) == 0;
        Note($"{(isCommit ? "commit" : "abort")} {Model.End} of {producerId}");
        Model.EndTransaction(producerId, isCommit);
        Settle(Log!.AppendAndFlush(RecordBatchBuilder.TransactionMarker(0, -1, producerId, 0, isCommit, 0, NowMs), 0, AppendOrigin.Coordinator));
    }

    private long NowMs => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>What was refused with the directory still online has left nothing, unless only its flush was refused.</summary>
    private void Settle(AppendResult result)
    {
        if (result.Error == ErrorCode.None)
        {
            Log!.AdvanceHighWatermark(long.MaxValue);
            _minEnd = Model.End;
            _flushed = Math.Max(_flushed, Math.Min(Log.RecoveryPoint, Model.End));
        }
        else if (!IsOffline && result.LastOffset < 0)
        {
            Model.RemoveLast();
        }

        Assert.True(IsOffline || Model.End == Log!.LogEndOffset);
    }

    private void Clean()
    {
        Note("clean");
        RollIfThereIsRoom();
        long before = _cleaned;
        _cleaned = Model.End;
        if (_manager!.Cleaner.CleanNext())
        {
            OnPass?.Invoke();
        }

        // A pass that ends early has cleaned some segments all the same.
        _cleaned = Math.Max(before, IsOffline || Log!.CleanedUpTo < 0 || _disk.Room is not null ? _cleaned : Log.CleanedUpTo);
    }

    private void RollIfThereIsRoom()
    {
        try
        {
            if (_random.Next(2) == 0)
            {
                Log!.Roll();
            }
        }
        catch (DiskFullException) when (_manager!.Directories[0].RanFull())
        {
        }
    }

    private void Reopen(bool isClean)
    {
        Note(isClean ? "restart" : "kill");
        if (isClean)
        {
            _manager!.ShutdownAsync().GetAwaiter().GetResult();
            if (IsOffline)
            {
                return;
            }

            _flushed = _manager.Directories[0].IsStopIncomplete ? _flushed : Model.End;
        }
        else
        {
            _manager!.Abandon();
        }

        Log = null;
        _manager = null;
        _manager = Open(_disk);
        Log = _manager.GetOrCreate(LogRig.Partition, LogRig.TopicId, _config);
        Assert.Equal(Model.End, Log.LogEndOffset);
        Log.AdvanceHighWatermark(long.MaxValue);
        _maxStart = Math.Max(_maxStart, Log.LogStartOffset);
        Model.DeleteBelow(Log.LogStartOffset);
        if (Log.LogStartOffset < Model.Start)
        {
            // The log start offset is only checkpointed now and then.
            Assert.Equal(ErrorCode.None, Log.DeleteRecords(Model.Start));
        }

        Model.TakeProducers(Log);
    }

    private void Truncate()
    {
        long from = Math.Max(Math.Max(_cleaned, Log!.LogStartOffset), Log.LogEndOffset - 12);
        if (from >= Log.LogEndOffset)
        {
            return;
        }

        long offset = _random.NextInt64(from, Log.LogEndOffset);
        long end = Math.Max(Model.AlignedDown(offset), Log.LogStartOffset);
        if (end < _cleaned || Model.HasTransactionAcross(_cleaned, end))
        {
            return;
        }

        Note($"truncate {offset}");
        (long minEnd, long flushed) = (_minEnd, _flushed);
        _minEnd = Math.Min(_minEnd, end);
        _flushed = Math.Min(_flushed, end);
        ErrorCode error = Log.TruncateTo(offset);
        if (error == ErrorCode.None)
        {
            Assert.Equal(end, Log.LogEndOffset);
            Model.TruncateTo(offset, Log, isInCleanedPart: false);
        }
        else if (!IsOffline)
        {
            Assert.Equal(Model.End, Log.LogEndOffset);
            (_minEnd, _flushed) = (minEnd, flushed);
        }
    }

    private void DeleteRecords()
    {
        long offset = Math.Min(Log!.LogStartOffset + _random.Next(6), Log.HighWatermark);
        Note($"delete below {offset}");
        _maxStart = Math.Max(_maxStart, offset);
        if (Log.DeleteRecords(offset) == ErrorCode.None)
        {
            Model.DeleteBelow(offset);
        }
    }

    private void Maintain()
    {
        _clock.Advance(TimeSpan.FromSeconds(_random.Next(5, 200)));
        _disk.NowUtc = _clock.GetUtcNow().UtcDateTime;
        Note("maintain");
        long before = _maxStart;
        _maxStart = _config.IsDeleted ? Model.End : before;
        _manager!.Maintenance.RunDue();
        _maxStart = Math.Max(before, Log!.LogStartOffset);
        Model.DeleteBelow(Log.LogStartOffset);
    }

    private void Note(string step) => History += step + "; ";
}
