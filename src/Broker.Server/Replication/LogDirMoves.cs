using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Storage;

namespace Broker.Server;

/// <summary>What AlterReplicaLogDirs may ask for, and how fast partitions move. The moves themselves are the log manager's.</summary>
internal static class LogDirMoves
{
    /// <summary>num.replica.alter.log.dirs.threads and the throttle, which may change while they run.</summary>
    public static MoveOptions Options(ConfigStore config, TimeProvider time)
    {
        var quota = new ReplicationQuota(
            () => config.Current.Get(ConfigKeys.ReplicaAlterLogDirsIoMaxBytesPerSecond),
            config.Current.Get(ConfigKeys.AlterLogDirsReplicationQuotaWindowNum),
            TimeSpan.FromSeconds(config.Current.Get(ConfigKeys.AlterLogDirsReplicationQuotaWindowSizeSeconds)),
            time);
        return new MoveOptions { Threads = config.Current.Get(ConfigKeys.NumReplicaAlterLogDirsThreads), IsThrottled = () => quota.IsExceeded, OnCopied = quota.Record };
    }

    /// <summary>The answer for one partition. One that is not here yet is made in that directory when it comes, and the tools ask again until then.</summary>
    public static ErrorCode Alter(ReplicaManager replicas, MetadataImage metadata, TopicPartition tp, string path)
    {
        if (!LogManager.CanMove(tp))
        {
            return ErrorCode.InvalidTopicException;
        }

        if (replicas.Logs.DirectoryOf(path) is not { } directory)
        {
            return ErrorCode.LogDirNotFound;
        }

        if (!directory.IsOnline || replicas.IsOffline(tp))
        {
            return ErrorCode.KafkaStorageError;
        }

        if (replicas.TryGet(tp, out _))
        {
            return replicas.Logs.Move(tp, directory);
        }

        replicas.Logs.Prefer(tp, directory);
        return metadata.Has(tp) ? ErrorCode.ReplicaNotAvailable : ErrorCode.UnknownTopicOrPartition;
    }
}
