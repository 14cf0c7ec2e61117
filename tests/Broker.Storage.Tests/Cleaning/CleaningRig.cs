using System.Text;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>A compacted log and short words for what tests of cleaning do with it.</summary>
internal sealed class CleaningRig : IDisposable
{
    public CleaningRig(params (string Key, string Value)[] overrides)
        : this(null, overrides)
    {
    }

    public CleaningRig(LogFiles? files, params (string Key, string Value)[] overrides) =>
        Rig = new LogRig(Compacted(overrides), files);

    public LogRig Rig { get; }

    /// <summary>Cleaned whenever something is dirty, unless the overrides say otherwise.</summary>
    public static TopicConfig Compacted(params (string Key, string Value)[] overrides)
    {
        Dictionary<string, string> all = new() { ["cleanup.policy"] = "compact", ["min.cleanable.dirty.ratio"] = "0" };
        foreach ((string key, string value) in overrides)
        {
            all[key] = value;
        }

        return LogRig.Topic([.. all.Select(o => (o.Key, o.Value))]);
    }

    public PartitionLog Log => Rig.Log;

    public long NowMs => Rig.Clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>What a consumer sees, as "offset:key=value"; tombstones as "offset:key=".</summary>
    public string Seen => string.Join(' ', StoredBatch.Visible(Log).Select(r => $"{r.Offset}:{r.Key}={r.Value}"));

    /// <summary>Records of one batch, written "key=value", and "key=" for a tombstone.</summary>
    public AppendResult Put(params string[] records) => Put(new RecordBatchOptions(), records);

    public AppendResult Put(RecordBatchOptions options, params string[] records)
    {
        RecordBatchBuilder builder = new(options);
        foreach (string record in records)
        {
            string[] parts = record.Split('=');
            builder.Append(NowMs, Encoding.UTF8.GetBytes(parts[0]), parts[1].Length == 0 ? null : Encoding.UTF8.GetBytes(parts[1]));
        }

        AppendResult result = Rig.Append(builder.Build());
        Assert.Equal(ErrorCode.None, result.Error);
        return result;
    }

    public AppendResult PutIdempotent(long producerId, int sequence, params string[] records) =>
        Put(new RecordBatchOptions { ProducerId = producerId, ProducerEpoch = 0, BaseSequence = sequence }, records);

    public AppendResult PutInTransaction(long producerId, int sequence, params string[] records) =>
        Put(new RecordBatchOptions { ProducerId = producerId, ProducerEpoch = 0, BaseSequence = sequence, IsTransactional = true }, records);

    public void End(long producerId, bool commit) =>
        Assert.Equal(ErrorCode.None, Rig.Append(RecordBatchBuilder.TransactionMarker(0, -1, producerId, 0, commit, 0, NowMs), origin: AppendOrigin.Coordinator).Error);

    /// <summary>Bytes of a segment file as an older broker left them.</summary>
    public void Import(byte[] bytes)
    {
        _ = Log;
        Rig.Crash(() => File.WriteAllBytes(Path.Combine(Rig.PartitionPath, "00000000000000000000.log"), bytes));
        Log.AdvanceHighWatermark(long.MaxValue);
    }

    public void Roll() => Log.Roll();

    public bool Clean() => Rig.Manager.Cleaner.CleanNext();

    public void RollAndClean()
    {
        Roll();
        Assert.True(Clean());
    }

    public void Dispose() => Rig.Dispose();
}
