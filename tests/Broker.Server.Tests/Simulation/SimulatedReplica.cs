using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Protocol.Records;
using Broker.Storage;
using Broker.Storage.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Server.Tests;

/// <summary>A broker with one partition: a real log on a disk in memory, and what is on its way to it.</summary>
internal sealed class SimulatedReplica : IDisposable
{
    private static readonly TopicConfig Config = TopicConfig.Create(BrokerConfig.Default, new Dictionary<string, string> { ["min.insync.replicas"] = "2" });

    private readonly FollowerAppend _append = new(NullLogger.Instance);
    private readonly TimeProvider _clock;
    private readonly SimulatedTree _tree;
    private readonly BrokenRule _broken;
    private SimulatedDisk _disk = new();
    private readonly FetchWatch _watch = new(0);
    private LogManager? _manager;
    private int _controllerEpoch;

    public SimulatedReplica(int id, SimulatedTree tree, TimeProvider clock, BrokenRule broken)
    {
        Id = id;
        _clock = clock;
        _tree = tree;
        _broken = broken;
        _disk.CreateDirectory("/data");
        Start();
    }

    public static TopicPartition Key { get; } = new("t", 0);

    public int Id { get; }

    public bool IsAlive => Partition is not null;

    /// <summary>Its session is over though it lives: it does not know.</summary>
    public bool IsExpired { get; set; }

    /// <summary>Of its registration.</summary>
    public long Epoch { get; private set; }

    public Partition? Partition { get; private set; }

    /// <summary>LeaderAndIsr on the way; in order for each controller.</summary>
    public List<SimulatedRole> Roles { get; } = [];

    /// <summary>Up to here what it shows to consumers has been looked at.</summary>
    public long Seen { get; set; }

    /// <summary>The partition as followed in the present epoch; null for leaders.</summary>
    public FollowedPartition? Followed { get; private set; }

    public (FollowedPartition By, FetchTarget Target, int Leader)? Request { get; set; }

    public (FollowedPartition By, FetchResponse.PartitionData Data)? Answer { get; set; }

    public IsrProposal? Proposal { get; set; }

    public (ErrorCode Error, PartitionImage State)? ProposalAnswer { get; set; }

    /// <summary>What it is to its users while it leads; null where there are none, and while it does not.</summary>
    public SimulatedCoordinator? Coordinator { get; set; }

    /// <summary>Counts how often it has ceased to lead. Who goes on leading in a new epoch, because a follower left, still owes what it was asked for in the one before.</summary>
    public int Term { get; private set; }

    public PartitionLog Log => Partition!.Log;

    public bool Leads => Partition?.Role?.Leader == Id;

    public void Start()
    {
        _manager = new LogManager(
            new LogManagerOptions { Directories = ["/data"], BrokerId = Id, ClusterId = "simulated", ConfigOf = _ => Config, HasThreads = false, Cleaner = () => new CleanerOptions { IsEnabled = false } },
            _clock,
            NullLoggerFactory.Instance,
            _disk);
        _manager.LoadAsync(CancellationToken.None).Wait();
        Partition = new Partition(_manager.GetOrCreate(Key, Guid.Empty, Config), Id, _clock);
        Rejoin();
    }

    /// <summary>As kill -9 does: the system keeps what was written, the process forgets everything else.</summary>
    public void Crash()
    {
        _manager!.Abandon();
        Partition = null;
        Followed = null;
        Roles.Clear();
        (Request, Answer, Proposal, ProposalAnswer) = (null, null, null, null);
        (_controllerEpoch, Seen) = (0, 0);
        CeaseToLead();
    }

    /// <summary>As a power cut does: what was not flushed is lost, torn, or there in parts.</summary>
    public void LosePower(Random random)
    {
        Crash();
        _disk = _disk.AfterCrash(random);
    }

    /// <summary>A new session after one that expired; what it thinks it is stays until it is told.</summary>
    public void Rejoin()
    {
        Epoch = _tree.Register();
        if (_broken != BrokenRule.NewcomersBelieveAnyController)
        {
            _controllerEpoch = Math.Max(_controllerEpoch, _tree.ControllerEpoch);
        }

        IsExpired = false;
    }

    /// <summary>Takes a role as ClusterController and ReplicaManager do. True when it leads in a new epoch.</summary>
    public bool Take(SimulatedRole told)
    {
        if (told.ControllerEpoch < _controllerEpoch || told.BrokerEpoch < Epoch)
        {
            return false;
        }

        _controllerEpoch = told.ControllerEpoch;
        if (told.IsStop)
        {
            Delete();
            return false;
        }

        PartitionImage role = told.State;
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
        CeaseToLead();
        if (_broken == BrokenRule.TruncatesToHighWatermark)
        {
            Log.TruncateAsFollower(Log.HighWatermark, role.LeaderEpoch);
        }

        Followed = role.Leader >= 0 ? new FollowedPartition(Partition, role.LeaderEpoch) : null;
        return false;
    }

    /// <summary>The replica goes, and whatever was on its way for it.</summary>
    private void Delete()
    {
        Partition!.Stop();
        CeaseToLead();
        _manager!.Delete(Key);
        Partition = new Partition(_manager.GetOrCreate(Key, Guid.Empty, Config), Id, _clock);
        Followed = null;
        (Request, Answer, Proposal, ProposalAnswer, Seen) = (null, null, null, null, 0);
    }

    private void CeaseToLead()
    {
        Coordinator = null;
        Term++;
    }

    public FetchTarget NextFetch() => new(Key.Topic, Guid.Empty, Key.Partition, _watch)
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
            _disk.Read(slice.File, bytes, slice.Position);
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

    /// <summary>The log from the batch of an offset on, as much as fits.</summary>
    public int ReadBytes(long offset, Span<byte> buffer)
    {
        FileSlice slice = Log.Read(offset, buffer.Length, minOneBatch: true, Log.LogEndOffset).Slice;
        int length = Math.Min(slice.Length, buffer.Length);
        _disk.Read(slice.File, buffer[..length], slice.Position);
        return length;
    }

    /// <summary>Offset and value of every record.</summary>
    public Dictionary<long, string> Records() => Records(0, Log.LogEndOffset);

    public Dictionary<long, string> Records(long from, long to)
    {
        var records = new Dictionary<long, string>();
        for (long next = from; next < to;)
        {
            FileSlice slice = Log.Read(next, 1 << 20, minOneBatch: true, long.MaxValue).Slice;
            byte[] bytes = new byte[slice.Length];
            _disk.Read(slice.File, bytes, slice.Position);
            for (int at = 0; at < bytes.Length;)
            {
                Assert.True(RecordBatchHeader.TryRead(bytes.AsSpan(at), out RecordBatchHeader header));
                var cursor = new RecordCursor(header, bytes.AsSpan(at + RecordBatchHeader.Size, header.SizeInBytes - RecordBatchHeader.Size));
                while (cursor.MoveNext(out Protocol.Records.Record record))
                {
                    if (record.Offset < to)
                    {
                        records[record.Offset] = System.Text.Encoding.UTF8.GetString(record.Value);
                    }
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
    }
}
