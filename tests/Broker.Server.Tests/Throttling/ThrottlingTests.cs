using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Records;
using Broker.Storage;
using Broker.Storage.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Server.Tests;

/// <summary>Replication throttles on virtual time.</summary>
public sealed class ThrottlingTests
{
    private const int Self = 1;
    private const int BytesPerSecond = 50_000;

    private static readonly TopicPartition Key = new("t", 0);

    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private long _limit = BytesPerSecond;

    [Fact]
    public void A_rate_is_over_the_windows_that_are_kept()
    {
        var rate = new SampledRate(samples: 3, windowMs: 1000);
        Assert.Equal(0, rate.BytesPerSecond(0));
        rate.Record(1000, 0);
        Assert.Equal(1000, rate.BytesPerSecond(10));
        rate.Record(1000, 1000);
        Assert.Equal(2000, rate.BytesPerSecond(1000));
        Assert.Equal(1000, rate.BytesPerSecond(2000));
        rate.Record(4000, 2000);
        Assert.Equal(3000, rate.BytesPerSecond(2000));

        // The first window is forgotten.
        Assert.Equal(2500, rate.BytesPerSecond(3000));
        Assert.Equal(0, rate.BytesPerSecond(6000));
        rate.Record(500, 9000);
        Assert.Equal(500, rate.BytesPerSecond(9000));
    }

    [Fact]
    public async Task A_leader_sends_no_more_than_its_limit_to_a_replica_that_is_not_in_sync()
    {
        await using LogManager logs = Logs(new SimulatedDisk());
        Partition partition = Led(logs, "leader.replication.throttled.replicas", "0:1,1:1,0:2");
        ReplicationThrottles throttles = Throttles();
        long limited = Fetch(partition, throttles, follower: 2, seconds: 60);
        Assert.InRange(limited, BytesPerSecond * 50, (BytesPerSecond * 61) + 20_000);
        Assert.False(throttles.HoldsBackFollower(partition, followerId: 3), "a replica in sync was held back");

        _limit = long.MaxValue;
        Assert.False(throttles.HoldsBackFollower(partition, followerId: 2));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("*", true)]
    [InlineData("0:1", true)]
    [InlineData("0:2", false)]
    [InlineData("1:1", false)]
    public async Task Only_replicas_that_are_named_are_held_back(string replicas, bool isHeldBack)
    {
        await using LogManager logs = Logs(new SimulatedDisk());
        Partition partition = Led(logs, "leader.replication.throttled.replicas", replicas);
        ReplicationThrottles throttles = Throttles();
        throttles.OnSent(partition, 10_000_000);
        Assert.Equal(isHeldBack, throttles.HoldsBackFollower(partition, followerId: 2));
    }

    [Fact]
    public async Task A_follower_does_not_ask_for_more_than_its_limit_until_it_has_caught_up()
    {
        await using LogManager logs = Logs(new SimulatedDisk());
        Partition partition = Led(logs, "follower.replication.throttled.replicas", "0:1");
        var followed = new FollowedPartition(partition, leaderEpoch: 1);
        ReplicationThrottles throttles = Throttles();
        long received = 0;
        for (int i = 0; i < 600; i++, _clock.Advance(TimeSpan.FromMilliseconds(100)))
        {
            if (!throttles.HoldsBack(followed))
            {
                throttles.OnReceived(partition, 20_000);
                received += 20_000;
            }
        }

        Assert.InRange(received, BytesPerSecond * 50, (BytesPerSecond * 61) + 20_000);
        throttles.OnReceived(partition, 10_000_000);
        Assert.True(throttles.HoldsBack(followed));
        followed.HasCaughtUp = true;
        Assert.False(throttles.HoldsBack(followed));
    }

    private long Fetch(Partition partition, ReplicationThrottles throttles, int follower, int seconds)
    {
        long total = 0, offset = 0;
        for (int i = 0; i < seconds * 10; i++, _clock.Advance(TimeSpan.FromMilliseconds(100)))
        {
            if (throttles.HoldsBackFollower(partition, follower))
            {
                continue;
            }

            ReadResult read = partition.Log.Read(offset, 20_000, minOneBatch: true, partition.Log.LogEndOffset);
            throttles.OnSent(partition, read.Slice.Length);
            total += read.Slice.Length;
            offset = read.EndOffset;
            Assert.True(offset < partition.Log.LogEndOffset, "there was not enough to send");
        }

        return total;
    }

    private ReplicationThrottles Throttles() => new(Self, Quota(), Quota());

    private ReplicationQuota Quota() => new(() => _limit, samples: 11, TimeSpan.FromSeconds(1), _clock);

    private LogManager Logs(SimulatedDisk disk)
    {
        disk.CreateDirectory("/data");
        var logs = new LogManager(
            new LogManagerOptions { Directories = ["/data"], BrokerId = Self, ClusterId = "throttled", ConfigOf = _ => TopicConfig.Default, HasThreads = false, Cleaner = () => new CleanerOptions { IsEnabled = false } },
            _clock,
            NullLoggerFactory.Instance,
            disk);
        logs.LoadAsync(CancellationToken.None).Wait();
        return logs;
    }

    /// <summary>A partition led here with 4 MB in it; broker 3 is in sync, broker 2 is not.</summary>
    private Partition Led(LogManager logs, string key, string value)
    {
        TopicConfig config = TopicConfig.Create(BrokerConfig.Default, new Dictionary<string, string> { [key] = value });
        var partition = new Partition(logs.GetOrCreate(Key, Guid.Empty, config), Self, _clock);
        partition.BecomeLeader(new PartitionImage(0, Self, 1, 0, [1, 2, 3], [1, 3], []));
        for (int i = 0; i < 400; i++)
        {
            var batch = new RecordBatchBuilder(new RecordBatchOptions());
            batch.Append(_clock.GetUtcNow().ToUnixTimeMilliseconds(), null, new byte[10_000]);
            Assert.Equal(ErrorCode.None, partition.Append(batch.Build(), AppendOrigin.Client, 1).Error);
        }

        return partition;
    }
}
