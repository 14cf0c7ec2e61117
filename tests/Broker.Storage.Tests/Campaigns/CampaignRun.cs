using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Records;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Storage.Tests;

/// <summary>
/// A random life of one partition on a simulated disk: producers with and without transactions, rolls, flushes, retention, truncation, deleted records, checkpoints, clean and
/// unclean ends, the topic made anew, and if wanted moves between two directories. One thread, no clock of its own: the seed decides everything.
/// </summary>
internal sealed class CampaignRun : ICrashLife
{
    public const string Root = "/logs";
    public const string SecondRoot = "/more";
    public static readonly string PartitionPath = $"{Root}/{LogRig.Partition}";

    private readonly Random _random;
    private readonly int _flushMessages;
    private readonly bool _hasMoves;

    public CampaignRun(int seed, SimulatedDisk disk, bool hasMoves = false)
    {
        _hasMoves = hasMoves;
        _random = new Random(seed);
        Disk = disk;
        Clock = new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(Batches.Now));
        _flushMessages = _random.Next(3) switch { 0 => 1, 1 => 4, _ => int.MaxValue };
        Config = LogRig.Topic(
            ("segment.bytes", "700"), ("index.interval.bytes", "150"), ("retention.ms", "600000"), ("retention.bytes", "6000"), ("preallocate", seed % 3 == 0 ? "true" : "false"), ("flush.messages", $"{_flushMessages}"));
    }

    public SimulatedDisk Disk { get; set; }

    public FakeTimeProvider Clock { get; }

    public TopicConfig Config { get; }

    public CampaignModel Model { get; } = new();

    public LogManager? Manager { get; private set; }

    public PartitionLog? Log { get; private set; }

    public string History { get; private set; } = "";

    public bool IsOffline => Manager is { } manager && manager.Directories.Any(d => !d.IsOnline);

    /// <summary>Told of each move that was finished.</summary>
    public Action? OnMoved { get; init; }

    public static LogManager OpenManager(SimulatedDisk disk, TimeProvider clock, TopicConfig config, bool hasMoves)
    {
        LogManagerOptions options = new()
        {
            Directories = hasMoves ? [Root, SecondRoot] : [Root],
            BrokerId = 1,
            ClusterId = "cluster",
            ConfigOf = _ => config,
            RecoveryThreadsPerDirectory = 1,
            HasThreads = false,
            Omits = disk.Omits,
            MinFreeBytes = 0,
        };
        LogManager manager = new(options, clock, NullLoggerFactory.Instance, disk);
        manager.LoadAsync(CancellationToken.None).GetAwaiter().GetResult();
        return manager;
    }

    public void Start()
    {
        Manager = OpenManager(Disk, Clock, Config, _hasMoves);
        Log = Manager.GetOrCreate(LogRig.Partition, Model.TopicId, Config);
    }

    /// <summary>One random step. False when the directory has gone offline.</summary>
    public bool Step()
    {
        if (_hasMoves && _random.Next(3) == 0)
        {
            Move();
            return !IsOffline;
        }

        int what = _random.Next(100);
        switch (what)
        {
            case < 50:
                Append();
                break;
            case < 60:
                EndTransaction();
                break;
            case < 70:
                Note("flush");
                Flush();
                break;
            case < 75:
                DeleteRecords();
                break;
            case < 82:
                Maintain();
                break;
            case < 87:
                Truncate();
                break;
            case < 91:
                Restart();
                break;
            case < 95:
                Kill();
                break;
            case < 97:
                Recreate();
                break;
            default:
                Note("epoch");
                Log!.BecomeLeader(++Model.Epoch);
                break;
        }

        if (!IsOffline && Log is not null)
        {
            Model.Flushed = Math.Max(Model.Flushed, Log.RecoveryPoint);
        }

        return !IsOffline;
    }

    public void CheckAfterCrash(SimulatedDisk disk, Random random)
    {
        long promised = Log is { } log ? Math.Max(Model.Flushed, Math.Min(log.RecoveryPoint, Model.MinEnd)) : Model.Flushed;
        NewCheck().Check(disk, promised, random, goesOn: random.Next(4) == 0);
    }

    public CampaignCheck NewCheck() => new(Model, Config, Clock, _hasMoves);

    public void Kill()
    {
        Note("kill");
        Manager!.Abandon();
        Reopen();
        AdoptStart();
    }

    public void Restart()
    {
        Note("restart");
        string[] producers = ProducersOf(Log!);
        Manager!.ShutdownAsync().GetAwaiter().GetResult();
        if (IsOffline)
        {
            return;
        }

        if (Manager.Directories.Any(d => d.IsStopIncomplete))
        {
            // A full disk: as after a kill, more than the last batch of a producer may be known.
            Reopen();
            AdoptStart();
            return;
        }

        Model.Flushed = Model.End;
        Reopen();
        Assert.True(Log is null || producers.SequenceEqual(ProducersOf(Log)), "producers are what they were before a clean stop");
        AdoptStart();
    }

    private static string[] ProducersOf(PartitionLog log) =>
        [.. log.Producers().OrderBy(p => p.ProducerId).Select(p => $"{p.ProducerId} {p.ProducerEpoch} {p.LastSequence} {p.LastTimestampMs} {p.CurrentTransactionStartOffset}")];

    private void Reopen()
    {
        Log = null;
        Manager = null;
        Manager = OpenManager(Disk, Clock, Config, _hasMoves);
        if (IsOffline)
        {
            // The log may be in the directory that failed, and is not begun anew in the other one.
            return;
        }

        Log = Manager.GetOrCreate(LogRig.Partition, Model.TopicId, Config);
        Assert.Equal(Model.End, Log.LogEndOffset);
        Log.AdvanceHighWatermark(long.MaxValue);
    }

    private void AdoptStart() => Model.MaxStart = Math.Max(Model.MaxStart, Log?.LogStartOffset ?? 0);

    public void Append()
    {
        long producer = _random.Next(1, 6);
        bool isTransactional = producer >= 4;
        int sequence = Model.NextSequence.GetValueOrDefault(producer);
        int count = _random.Next(1, 4);
        Append(producer, sequence, count, isTransactional, null);
    }

    private void EndTransaction()
    {
        if (Model.OpenTransactions.Count > 0)
        {
            Append(Model.OpenTransactions.Min(), -1, 1, true, _random.Next(2) == 0);
        }
    }

    private void Append(long producer, int sequence, int count, bool isTransactional, bool? isCommit)
    {
        if (_random.Next(12) == 0)
        {
            Model.Epoch++;
        }

        long timestamp = Clock.GetUtcNow().ToUnixTimeMilliseconds() + _random.Next(-20_000, 20_000);
        byte[] bytes = isCommit is { } commit
            ? RecordBatchBuilder.TransactionMarker(0, -1, producer, 0, commit, 0, timestamp)
            : Records(producer, sequence, count, isTransactional, timestamp);
        WrittenBatch batch = new(Model.End, count, bytes, Model.Epoch, producer, sequence, isTransactional, isCommit, timestamp);
        Note($"append {batch.First}+{count} of {producer}{(isCommit is null ? "" : " marker")}");
        Model.Add(batch);
        AppendResult result = Log!.AppendAndFlush(bytes, Model.Epoch, isCommit is null ? AppendOrigin.Client : AppendOrigin.Coordinator);
        if (result.Error != ErrorCode.None)
        {
            // It may be in the file all the same; nobody was told so.
            Assert.Equal(ErrorCode.KafkaStorageError, result.Error);
            Refused(batch, isWritten: result.LastOffset >= 0);
            return;
        }

        Assert.Equal((batch.First, batch.Last, false), (result.BaseOffset, result.LastOffset, result.IsDuplicate));
        Model.Follow(batch);
        Model.MinEnd = Model.End;
        Log!.AdvanceHighWatermark(long.MaxValue);
        if (_flushMessages == 1)
        {
            Acknowledged(batch);
        }
    }

    /// <summary>A refusal with the directory still online leaves nothing behind, but for a batch that only its flush was refused.</summary>
    private void Refused(WrittenBatch batch, bool isWritten)
    {
        if (IsOffline)
        {
            return;
        }

        if (isWritten)
        {
            Model.Follow(batch);
        }
        else
        {
            Model.RemoveLast();
        }

        Assert.Equal(Model.End, Log!.LogEndOffset);
    }

    private void Acknowledged(WrittenBatch batch) => Model.Flushed = batch.Last + 1;

    private byte[] Records(long producer, int sequence, int count, bool isTransactional, long timestamp)
    {
        RecordBatchBuilder builder = new(new RecordBatchOptions { ProducerId = producer, ProducerEpoch = 0, BaseSequence = sequence, IsTransactional = isTransactional });
        for (int i = 0; i < count; i++)
        {
            byte[] value = new byte[_random.Next(1, 90)];
            _random.NextBytes(value);
            builder.Append(timestamp, null, value);
        }

        return builder.Build();
    }

    private void DeleteRecords()
    {
        long start = Log!.LogStartOffset;
        long before = start + _random.NextInt64(Math.Min(12, Log.LogEndOffset - start) + 1);
        Note($"delete below {before}");
        Model.MaxStart = Math.Max(Model.MaxStart, before);
        ErrorCode error = Log.DeleteRecords(before);
        Assert.Equal(IsOffline, error == ErrorCode.KafkaStorageError);
    }

    private void Maintain()
    {
        Clock.Advance(TimeSpan.FromSeconds(_random.Next(5, 120)));
        Disk.NowUtc = Clock.GetUtcNow().UtcDateTime;
        Note("maintain");

        // Retention may take everything up to the end.
        long before = Model.EverDeleted;
        Model.MaxStart = Model.End;
        Manager!.Maintenance.RunDue();
        Model.EverDeleted = before;
        Model.MaxStart = Log!.LogStartOffset;
    }

    private void Truncate()
    {
        long from = Math.Max(Log!.LogStartOffset, Log.LogEndOffset - 10);
        long offset = _random.NextInt64(from, Log.LogEndOffset + 1);
        long end = Math.Max(Model.AlignedDown(offset), Log.LogStartOffset);
        Note($"truncate {offset}");
        (long minEnd, long flushed) = (Model.MinEnd, Model.Flushed);
        Model.MinEnd = Math.Min(Model.MinEnd, end);
        Model.Flushed = Math.Min(Model.Flushed, end);
        ErrorCode error = Log.TruncateTo(offset);
        if (error == ErrorCode.None)
        {
            Assert.Equal(end, Log.LogEndOffset);
            Model.CutTo(end);

            // What a producer may send next depends on the snapshots that are left; recovery has to agree with it, and that is checked elsewhere.
            Model.NextSequence.Clear();
            foreach (ProducerInfo producer in Log.Producers())
            {
                Model.NextSequence[producer.ProducerId] = producer.LastSequence + 1;
            }
        }
        else if (!IsOffline)
        {
            // A full disk: nothing has happened.
            Assert.Equal((ErrorCode.KafkaStorageError, Model.End), (error, Log.LogEndOffset));
            Model.MinEnd = minEnd;
            Model.Flushed = flushed;
        }
    }

    private void Recreate()
    {
        Note("recreate");
        Model.IsReplaced = true;
        Manager!.Delete(LogRig.Partition);
        if (IsOffline)
        {
            return;
        }

        Model.TopicId = new Guid(_random.Next(1, int.MaxValue), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        Log = null;
        try
        {
            Log = Manager.GetOrCreate(LogRig.Partition, Model.TopicId, Config);
            Model.Clear();
            Append();
            Flush();
        }
        catch (NoLogDirectoryException)
        {
            return;
        }

        if (!IsOffline)
        {
            Model.IsReplaced = false;
        }
    }

    /// <summary>A move begins, ends, goes elsewhere, or copies some of it.</summary>
    private void Move()
    {
        if (_random.Next(4) == 0)
        {
            LogDirectory directory = Manager!.Directories[_random.Next(2)];
            Note($"move to {directory.Path}");
            Manager.Move(LogRig.Partition, directory);
            return;
        }

        Note("copy");
        TakeStartOfCopy(Model, Log!);
        LogDirectory before = Log!.Directory;
        Manager!.Mover.StepNext(out _);
        if (Log.Directory != before)
        {
            Note("moved");
            OnMoved?.Invoke();
        }
    }

    /// <summary>After a crash the log may have back what was deleted; its copy need not.</summary>
    public static void TakeStartOfCopy(CampaignModel model, PartitionLog log) => model.MaxStart = Math.Max(model.MaxStart, log.Future?.LogStartOffset ?? 0);

    private void Flush()
    {
        if (Log!.Flush() == ErrorCode.None)
        {
            Model.Flushed = Model.End;
        }
    }

    private void Note(string step) => History += step + "; ";
}
