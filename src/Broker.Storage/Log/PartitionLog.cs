using Broker.Configuration;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Storage;

/// <summary>
/// The log of one partition: a list of segments of which the last one grows. Appends and everything else that changes it hold one lock; reads take none, they see
/// an immutable segment list and offsets that are published after the bytes. Made and closed by <see cref="LogManager"/>. Owns the files of its directory.
/// An I/O error takes the whole <see cref="LogDirectory"/> offline; from then on every answer is KAFKA_STORAGE_ERROR, null or empty.
/// </summary>
public sealed partial class PartitionLog
{
    private readonly LogServices _services;
    private readonly Lock _lock = new();
    private readonly ProducerStates _producers;
    private readonly LeaderEpochs _epochs;
    private string _path;
    private volatile TopicConfig _config;
    private volatile LogSegment[] _segments;
    private volatile bool _isClosed;
    private long _logStartOffset;
    private long _logEndOffset;
    private long _highWatermark;
    private long _lastStableOffset;
    private long _recoveryPoint;
    private long _lastFlushMs;

    internal PartitionLog(LogServices services, LogDirectory directory, LoadedLog loaded, TopicConfig config)
    {
        _services = services;
        _directory = directory;
        TopicPartition = loaded.TopicPartition;
        TopicId = loaded.TopicId;
        _path = loaded.Path;
        _config = config;
        _segments = loaded.Segments;
        _producers = loaded.Producers;
        _epochs = loaded.Epochs;
        _logStartOffset = loaded.LogStartOffset;
        _logEndOffset = loaded.LogEndOffset;
        _recoveryPoint = Math.Min(loaded.RecoveryPoint, loaded.LogEndOffset);
        _vouchedFor = _recoveryPoint;
        _lastFlushMs = services.NowMs;
        SetHighWatermark(Math.Clamp(loaded.HighWatermark, loaded.LogStartOffset, loaded.LogEndOffset));
    }

    /// <summary>Stands for a log that could not be opened, so that nothing is made in its place: every answer is KAFKA_STORAGE_ERROR until the next start.</summary>
    internal static PartitionLog Unreadable(LogServices services, LogDirectory directory, string path, TopicPartition tp, TopicConfig config, LogCheckpoints checkpoints, bool isFuture)
    {
        long end = Math.Max(checkpoints.LogStartOffset, checkpoints.RecoveryPoint);
        LogSegment[] segments = [new LogSegment(services, path, 0, 0, NewSegmentOptions(config, services.NowMs))];
        LoadedLog nothing = new(
            tp, Guid.Empty, path, segments, new ProducerStates(), LeaderEpochs.None(services.Files, path), checkpoints.LogStartOffset, end, checkpoints.HighWatermark, checkpoints.RecoveryPoint);
        return new PartitionLog(services, directory, nothing, config) { IsUnreadable = true, IsFuture = isFuture, CleanedUpTo = checkpoints.CleanedUpTo };
    }

    public TopicPartition TopicPartition { get; }

    /// <summary>Guid.Empty for a log written before topics had ids.</summary>
    public Guid TopicId { get; private set; }

    public TopicConfig Config => _config;

    /// <summary>True when its directory is offline, or its own files could not be opened.</summary>
    public bool IsOffline => !Directory.IsOnline || IsUnreadable;

    /// <summary>Its files could not be opened. They are left as they are; the other logs of the directory are served.</summary>
    internal bool IsUnreadable { get; private init; }

    /// <summary>Called after the log start offset moved, with the log's lock held: it must not wait for anybody.</summary>
    public Action? StartAdvanced { get; set; }

    public long LogStartOffset => Volatile.Read(ref _logStartOffset);

    public long LogEndOffset => Volatile.Read(ref _logEndOffset);

    public long HighWatermark => Volatile.Read(ref _highWatermark);

    /// <summary>The high watermark, or the first offset of the oldest transaction that is open or not fully below it.</summary>
    public long LastStableOffset => Volatile.Read(ref _lastStableOffset);

    public long SizeInBytes
    {
        get
        {
            long size = 0;
            foreach (LogSegment segment in _segments)
            {
                size += segment.Size;
            }

            return size;
        }
    }

    /// <summary>-1 before the first.</summary>
    public int LatestLeaderEpoch => _epochs.Latest;

    /// <summary>Where its files are now.</summary>
    public string DirectoryPath => _path;

    internal long RecoveryPoint => Volatile.Read(ref _recoveryPoint);

    internal LogSegment[] Segments => _segments;

    private LogSegment Active => _segments[^1];

    private LogFiles Files => _services.Files;

    private ILogger Logger => _services.Logger;

    public void UpdateConfig(TopicConfig config)
    {
        _config = config;
        _future?.UpdateConfig(config);
        foreach (LogSegment segment in _segments)
        {
            segment.Options = segment.Options with { IndexIntervalBytes = config.IndexIntervalBytes };
        }
    }

    /// <summary>Records where the epoch starts; a high watermark given replaces the one of the checkpoint.</summary>
    public void BecomeLeader(int leaderEpoch, long? highWatermark = null)
    {
        if (IsOffline)
        {
            return;
        }

        try
        {
            lock (_lock)
            {
                _roleEpoch = leaderEpoch;
                _follows = false;
                _epochs.Assign(leaderEpoch, _logEndOffset);
                if (highWatermark is { } given)
                {
                    SetHighWatermark(Math.Clamp(given, _logStartOffset, _logEndOffset));
                }
            }
        }
        catch (Exception e) when (IsFailure(e, "record the leader epoch of"))
        {
        }
    }

    /// <summary>Never backwards, never above the log end offset.</summary>
    public void AdvanceHighWatermark(long offset)
    {
        lock (_lock)
        {
            offset = Math.Min(offset, _logEndOffset);
            if (offset > _highWatermark)
            {
                SetHighWatermark(offset);
            }
        }
    }

    /// <summary>OffsetForLeaderEpoch: the largest epoch not above the asked one and where it ends; (-1, -1) when unknown.</summary>
    public (int Epoch, long EndOffset) EndOffsetForEpoch(int epoch) => _epochs.EndOffsetFor(epoch, LogEndOffset);

    /// <summary>-1 when unknown.</summary>
    public int EpochForOffset(long offset) => _epochs.EpochFor(offset);

    public IReadOnlyList<ProducerInfo> Producers()
    {
        lock (_lock)
        {
            List<ProducerInfo> producers = new(_producers.Count);
            foreach (ProducerState state in _producers.All)
            {
                producers.Add(new ProducerInfo(
                    state.ProducerId, state.Epoch, state.LastSequence, state.LastTimestampMs, state.CoordinatorEpoch, state.TransactionFirstOffset));
            }

            return producers;
        }
    }

    /// <summary>The exception filter of every operation here: see <see cref="LogDirectory.TakeOffline"/>. Files that went with a deleted log are no I/O error.</summary>
    private bool IsFailure(Exception cause, string operation) => IsFailure(cause, operation, Directory);

    /// <summary>The same for what began without the log's lock: the log may have moved away from the directory since, and its files there are gone.</summary>
    private bool IsFailure(Exception cause, string operation, LogDirectory directory) =>
        ((_isClosed || directory != _directory) && cause is (FileNotFoundException or DirectoryNotFoundException)) || directory.TakeOffline(cause, operation, TopicPartition);

    private void SetHighWatermark(long offset)
    {
        Volatile.Write(ref _highWatermark, offset);
        _producers.OnHighWatermark(offset);
        UpdateLastStableOffset();
    }

    private void UpdateLastStableOffset()
    {
        long unstable = Math.Max(_producers.FirstUnstableOffset, _logStartOffset);
        Volatile.Write(ref _lastStableOffset, Math.Min(_highWatermark, unstable));
    }

    /// <summary>Index of the segment that would hold the offset; -1 below the first.</summary>
    private static int IndexOf(LogSegment[] segments, long offset)
    {
        int low = 0;
        int high = segments.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (segments[middle].BaseOffset <= offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return high;
    }
}
