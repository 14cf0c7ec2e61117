using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Protocol.Records;
using Broker.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Server.Tests;

/// <summary>A broker with one partition: a real log in a directory of its own, and what is on its way to it.</summary>
internal sealed class SimulatedReplica : IDisposable
{
    private static readonly TopicConfig Config = TopicConfig.Create(BrokerConfig.Default, new Dictionary<string, string> { ["min.insync.replicas"] = "2" });

    private readonly string _directory = Directory.CreateTempSubdirectory("replica-").FullName;
    private readonly FollowerAppend _append = new(NullLogger.Instance);
    private readonly TimeProvider _clock;
    private LogManager? _manager;

    public SimulatedReplica(int id, TimeProvider clock)
    {
        Id = id;
        _clock = clock;
        Start();
    }

    public static TopicPartition Key { get; } = new("t", 0);

    public int Id { get; }

    public bool IsAlive => Partition is not null;

    /// <summary>Its session is over though it lives: it does not know.</summary>
    public bool IsExpired { get; set; }

    /// <summary>Counts its registrations.</summary>
    public long Epoch { get; private set; }

    public Partition? Partition { get; private set; }

    /// <summary>LeaderAndIsr on the way.</summary>
    public Queue<PartitionImage> Roles { get; } = new();

    /// <summary>The partition as followed in the present epoch; null for leaders.</summary>
    public FollowedPartition? Followed { get; private set; }

    public (FollowedPartition By, FetchTarget Target, int Leader)? Request { get; set; }

    public (FollowedPartition By, FetchResponse.PartitionData Data)? Answer { get; set; }

    public IsrProposal? Proposal { get; set; }

    public (ErrorCode Error, PartitionImage State)? ProposalAnswer { get; set; }

    public PartitionLog Log => Partition!.Log;

    public bool Leads => Partition?.Role?.Leader == Id;

    public void Start()
    {
        _manager = new LogManager(
            new LogManagerOptions { Directories = [_directory], BrokerId = Id, ClusterId = "simulated", ConfigOf = _ => Config, HasThreads = false, Cleaner = () => new CleanerOptions { IsEnabled = false } },
            _clock,
            NullLoggerFactory.Instance);
        _manager.LoadAsync(CancellationToken.None).Wait();
        Partition = new Partition(_manager.GetOrCreate(Key, Guid.Empty, Config), Id, _clock);
        Epoch++;
        IsExpired = false;
    }

    /// <summary>As kill -9 does: the system keeps what was written, the process forgets everything else.</summary>
    public void Crash()
    {
        _manager!.Abandon();
        Partition = null;
        Followed = null;
        Roles.Clear();
        (Request, Answer, Proposal, ProposalAnswer) = (null, null, null, null);
    }

    /// <summary>A new session after one that expired; what it thinks it is stays until it is told.</summary>
    public void Rejoin()
    {
        Epoch++;
        IsExpired = false;
    }

    /// <summary>Takes a role as ReplicaManager does. True when it leads in a new epoch.</summary>
    public bool Take(PartitionImage role)
    {
        if (Partition!.LeaderEpoch >= role.LeaderEpoch)
        {
            if (Partition.LeaderEpoch == role.LeaderEpoch)
            {
                Partition.Refresh(role);
            }

            return false;
        }

        Proposal = null;
        ProposalAnswer = null;
        if (role.Leader == Id)
        {
            Followed = null;
            Partition.BecomeLeader(role);
            return true;
        }

        Partition.BecomeFollower(role);
        Followed = role.Leader >= 0 ? new FollowedPartition(Partition, role.LeaderEpoch) : null;
        return false;
    }

    public FetchTarget NextFetch() => new(Key.Topic, Guid.Empty, Key.Partition)
    {
        FetchOffset = Log.LogEndOffset,
        MaxBytes = 400,
        CurrentLeaderEpoch = Followed!.LeaderEpoch,
        LastFetchedEpoch = Log.LatestLeaderEpoch,
    };

    /// <summary>Serves a follower as the leader it is, or thinks it is.</summary>
    public FetchResponse.PartitionData Serve(FetchTarget target, SimulatedReplica follower)
    {
        ErrorCode error = Partition!.CheckLeader(Id, target.CurrentLeaderEpoch);
        if (error != ErrorCode.None)
        {
            return new FetchResponse.PartitionData { ErrorCode = error };
        }

        PartitionRead read = PartitionReader.ReadForFollower(Partition, target, new FetchReader(false, follower.Id, follower.Epoch), target.MaxBytes, minOneBatch: true, out _);
        var data = new FetchResponse.PartitionData { ErrorCode = read.Error, HighWatermark = read.HighWatermark, LogStartOffset = read.LogStartOffset, Records = WireRecords.FromMemory(default) };
        if (read.DivergingEpoch is { } diverging)
        {
            data.DivergingEpoch = new() { Epoch = diverging.Epoch, EndOffset = diverging.EndOffset };
        }

        if (read.Records.File is { Length: > 0 } slice)
        {
            byte[] bytes = new byte[slice.Length];
            slice.CopyTo(bytes);
            data.Records = WireRecords.FromMemory(bytes);
        }

        return data;
    }

    public void Deliver()
    {
        (FollowedPartition by, FetchResponse.PartitionData data) = Answer!.Value;
        Answer = null;
        ErrorCode error = data.ErrorCode == ErrorCode.None ? _append.Take(by, data) : data.ErrorCode;
        if (error == ErrorCode.OffsetOutOfRange && data.ErrorCode == error && by == Followed)
        {
            // Nothing is ever deleted here: only its own end can be beyond the leader's.
            Log.TruncateAsFollower(Log.LogEndOffset - 1, by.LeaderEpoch);
        }
    }

    /// <summary>Offset and value of every record.</summary>
    public Dictionary<long, string> Records()
    {
        var records = new Dictionary<long, string>();
        for (long next = 0; next < Log.LogEndOffset;)
        {
            FileSlice slice = Log.Read(next, 1 << 20, minOneBatch: true, long.MaxValue).Slice;
            byte[] bytes = new byte[slice.Length];
            slice.CopyTo(bytes);
            for (int at = 0; at < bytes.Length;)
            {
                Assert.True(RecordBatchHeader.TryRead(bytes.AsSpan(at), out RecordBatchHeader header));
                var cursor = new RecordCursor(header, bytes.AsSpan(at + RecordBatchHeader.Size, header.SizeInBytes - RecordBatchHeader.Size));
                while (cursor.MoveNext(out Protocol.Records.Record record))
                {
                    records[record.Offset] = System.Text.Encoding.UTF8.GetString(record.Value);
                }

                next = header.LastOffset + 1;
                at += header.SizeInBytes;
            }
        }

        return records;
    }

    public void Dispose()
    {
        if (IsAlive)
        {
            _manager!.Abandon();
        }

        Directory.Delete(_directory, recursive: true);
    }
}
