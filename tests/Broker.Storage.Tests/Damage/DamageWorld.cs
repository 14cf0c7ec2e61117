using System.Text;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Records;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Storage.Tests;

/// <summary>
/// A log directory with a life behind it: a plain topic with deleted records, a compacted one, one with transactions, and one that is not compacted any more.
/// Leaves images of it: killed, stopped cleanly, and killed in the middle of a cleaner's swap. The seed decides everything.
/// </summary>
internal sealed class DamageWorld
{
    public const string Root = "/logs";
    public static readonly TopicPartition Plain = new("plain", 0);
    public static readonly TopicPartition Compacted = new("compacted", 0);
    public static readonly TopicPartition Transactional = new("txn", 0);
    public static readonly TopicPartition Changed = new("changed", 0);

    private const int Steps = 70;

    private readonly Random _random;
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeMilliseconds(Batches.Now));
    private readonly SimulatedDisk _disk = new();
    private readonly Dictionary<(TopicPartition, long), int> _sequences = [];
    private readonly HashSet<long> _open = [];
    private LogManager _manager;
    private bool _isChanged;
    private int _epoch;

    public DamageWorld(int seed)
    {
        Seed = seed;
        _random = new Random(seed);
        _disk.CreateDirectory(Root);
        _manager = Open(_disk, NullLoggerFactory.Instance, _isChanged);
    }

    public int Seed { get; }

    /// <summary>Every record ever appended, by partition and offset.</summary>
    public Dictionary<TopicPartition, Dictionary<long, StoredRecord>> Written { get; } = [];

    public static Guid TopicId(TopicPartition tp) => new(tp.Topic.Length, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

    public static bool HasGaps(TopicPartition tp) => tp == Compacted || tp == Changed;

    public LogManager Open(SimulatedDisk disk, ILoggerFactory loggers, bool isChanged, Omission omits = Omission.None)
    {
        LogManagerOptions options = new()
        {
            Directories = [Root],
            BrokerId = 1,
            ClusterId = "cluster-of-the-damaged",
            ConfigOf = topic => ConfigOf(topic, isChanged),
            RecoveryThreadsPerDirectory = 1,
            HasThreads = false,
            Omits = omits,
        };
        LogManager manager = new(options, _clock, loggers, disk);
        manager.LoadAsync(CancellationToken.None).GetAwaiter().GetResult();
        return manager;
    }

    public List<DamageImage> Build()
    {
        List<DamageImage> images = [];
        Live();
        List<SimulatedDisk> swaps = Clean();
        images.Add(new DamageImage("swap", swaps[_random.Next(swaps.Count)], this, _isChanged));
        images.Add(new DamageImage("swap", swaps[^1], this, _isChanged));
        _isChanged = true;
        Live();
        images.Add(new DamageImage("killed", _disk.Copy(), this, _isChanged));
        _manager.ShutdownAsync().GetAwaiter().GetResult();
        images.Add(new DamageImage("clean", _disk.Copy(), this, _isChanged));
        _manager = Open(_disk, NullLoggerFactory.Instance, _isChanged);
        Live();
        images.Add(new DamageImage("killed again", _disk.Copy(), this, _isChanged));
        _manager.ShutdownAsync().GetAwaiter().GetResult();
        images.Add(new DamageImage("clean again", _disk.Copy(), this, _isChanged));
        return images;
    }

    private static TopicConfig ConfigOf(string topic, bool isChanged)
    {
        string policy = topic == Compacted.Topic || (topic == Changed.Topic && !isChanged) ? "compact" : "delete";
        return LogRig.Topic(
            ("segment.bytes", "900"), ("index.interval.bytes", "150"), ("retention.ms", "-1"), ("cleanup.policy", policy), ("min.cleanable.dirty.ratio", "0"));
    }

    private void Live()
    {
        foreach (TopicPartition tp in (TopicPartition[])[Plain, Compacted, Transactional, Changed])
        {
            _manager.GetOrCreate(tp, TopicId(tp), ConfigOf(tp.Topic, _isChanged)).UpdateConfig(ConfigOf(tp.Topic, _isChanged));
        }

        for (int step = 0; step < Steps; step++)
        {
            switch (_random.Next(20))
            {
                case 0:
                    _manager.Logs.ElementAt(_random.Next(_manager.Logs.Count)).Flush();
                    break;
                case 1:
                    _clock.Advance(TimeSpan.FromSeconds(70));
                    _disk.NowUtc = _clock.GetUtcNow().UtcDateTime;
                    _manager.Maintenance.RunDue();
                    break;
                case 2:
                    _epoch++;
                    break;
                case 3:
                    PartitionLog plain = _manager.Find(Plain)!;
                    plain.DeleteRecords(plain.LogStartOffset + _random.Next(3));
                    break;
                case < 9:
                    AppendTransactional();
                    break;
                default:
                    TopicPartition tp = (_random.Next(3)) switch { 0 => Plain, 1 => Compacted, _ => Changed };
                    Append(tp, tp == Plain ? _random.Next(-1, 3) : _random.Next(1, 3), false);
                    break;
            }
        }

        _clock.Advance(TimeSpan.FromSeconds(70));
        _manager.Maintenance.RunDue();
        Append(Plain, 1, false);
        Append(Compacted, 1, false);
        AppendTransactional();
    }

    /// <summary>Cleans what can be cleaned; disks as they are before each operation of the swaps.</summary>
    private List<SimulatedDisk> Clean()
    {
        List<SimulatedDisk> swaps = [];
        foreach (PartitionLog log in _manager.Logs)
        {
            log.Roll();
        }

        _disk.Before = (operation, path) =>
        {
            if (operation == DiskOperation.Move && (path.EndsWith(".cleaned", StringComparison.Ordinal) || path.EndsWith(".swap", StringComparison.Ordinal) || swaps.Count > 0))
            {
                swaps.Add(_disk.Copy());
            }
        };
        while (_manager.Cleaner.CleanNext())
        {
        }

        _disk.Before = null;
        return swaps;
    }

    private void AppendTransactional()
    {
        if (_open.Count > 0 && _random.Next(3) == 0)
        {
            long ending = _open.ElementAt(_random.Next(_open.Count));
            _open.Remove(ending);
            bool isCommit = _random.Next(3) == 0;
            long timestamp = Timestamp();
            byte[] marker = RecordBatchBuilder.TransactionMarker(0, -1, ending, 0, isCommit, 0, timestamp);
            AppendResult result = Append(Transactional, marker, AppendOrigin.Coordinator);
            Truth(Transactional)[result.BaseOffset] = new StoredRecord(result.BaseOffset, null, isCommit ? "commit" : "abort", timestamp, ending, true, true);
            return;
        }

        long producer = _random.Next(1, 6);
        Append(Transactional, producer, isTransactional: producer >= 3);
        if (producer >= 3)
        {
            _open.Add(producer);
        }
    }

    private void Append(TopicPartition tp, long producer, bool isTransactional)
    {
        int sequence = _sequences.GetValueOrDefault((tp, producer));
        int count = _random.Next(1, 4);
        RecordBatchBuilder builder = new(producer < 0
            ? new RecordBatchOptions { Codec = CompressionCodec.None }
            : new RecordBatchOptions { ProducerId = producer, ProducerEpoch = 0, BaseSequence = sequence, IsTransactional = isTransactional });
        List<(string Key, string Value, long TimestampMs)> records = [];
        for (int i = 0; i < count; i++)
        {
            records.Add(($"k{_random.Next(12)}", new string((char)('a' + _random.Next(26)), _random.Next(1, 60)), Timestamp()));
            builder.Append(records[i].TimestampMs, Encoding.UTF8.GetBytes(records[i].Key), Encoding.UTF8.GetBytes(records[i].Value));
        }

        AppendResult result = Append(tp, builder.Build(), AppendOrigin.Client);
        _sequences[(tp, producer)] = sequence + count;
        for (int i = 0; i < count; i++)
        {
            long offset = result.BaseOffset + i;
            Truth(tp)[offset] = new StoredRecord(offset, records[i].Key, records[i].Value, records[i].TimestampMs, Math.Max(producer, -1), isTransactional, false);
        }
    }

    private AppendResult Append(TopicPartition tp, byte[] bytes, AppendOrigin origin)
    {
        PartitionLog log = _manager.Find(tp)!;
        AppendResult result = log.AppendAsLeader(bytes, _epoch, origin);
        Assert.Equal(ErrorCode.None, result.Error);
        log.AdvanceHighWatermark(long.MaxValue);
        return result;
    }

    private Dictionary<long, StoredRecord> Truth(TopicPartition tp)
    {
        if (!Written.TryGetValue(tp, out Dictionary<long, StoredRecord>? truth))
        {
            Written[tp] = truth = [];
        }

        return truth;
    }

    private long Timestamp()
    {
        _clock.Advance(TimeSpan.FromMilliseconds(37));
        return _clock.GetUtcNow().ToUnixTimeMilliseconds() + _random.Next(-500, 500);
    }
}
