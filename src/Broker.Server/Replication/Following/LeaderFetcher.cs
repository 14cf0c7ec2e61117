using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// Copies partitions that follow one leader: one loop, one connection, one fetch at a time for them all, which looks at those only that may have changed. Partitions come and go
/// from other threads; what is done to a log names its leader epoch, so that an answer that comes after a change of roles does nothing.
/// </summary>
internal sealed class LeaderFetcher : IAsyncDisposable
{
    private const short FetchVersion = 17;
    private const int FirstRetryMs = 20;

    // Retention moves the start of a log without being asked; the leader may know that late.
    private const int LogStartLookMs = 5000;

    private readonly int _leader;
    private readonly int _self;
    private readonly Func<long> _brokerEpoch;
    private readonly MetadataStore _metadata;
    private readonly PeerOptions _peers;
    private readonly FetcherOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FollowerAppend _append;
    private readonly FollowerSession _session;
    private readonly FetcherWork _work = new();
    private readonly SemaphoreSlim _changed = new(0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _worker;
    private readonly PeerLink _link;

    // Partitions whose offset the leader does not have: asked about when the answer has been read, whose memory the next one takes.
    private readonly List<FollowedPartition> _outOfRange = [];
    private int _failures;
    private long _lookedMs;

    public LeaderFetcher(
        int leader, int number, int self, Func<long> brokerEpoch, MetadataStore metadata, PeerOptions peers, FetcherOptions options, TimeProvider time, ILogger logger)
    {
        _leader = leader;
        _self = self;
        _brokerEpoch = brokerEpoch;
        _metadata = metadata;
        _peers = peers;
        _options = options;
        _time = time;
        _logger = logger;
        _append = new FollowerAppend(logger);
        _session = new FollowerSession(options.PartitionMaxBytes);
        _link = new PeerLink(peers, $"broker-{self}-fetcher-{number}", options.Timeout, reusesMemory: true);
        _worker = Task.Run(WorkAsync);
    }

    public bool IsEmpty => _work.IsEmpty;

    public void Add(FollowedPartition partition)
    {
        _work.Add(partition);
        _changed.Release();
    }

    public bool Remove(TopicPartition partition) => _work.Remove(partition);

    /// <summary>For another fetcher to go on with.</summary>
    public IReadOnlyList<FollowedPartition> RemoveAll() => _work.RemoveAll();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _worker.ConfigureAwait(false);
        _link.Dispose();
        _stopping.Dispose();
        _changed.Dispose();
    }

    private long NowMs => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task WorkAsync()
    {
        CancellationToken stop = _stopping.Token;
        try
        {
            while (true)
            {
                long nextMs = TakeWork();
                if (_session.Count == 0)
                {
                    await _changed.WaitAsync(nextMs == long.MaxValue ? Timeout.Infinite : (int)Math.Clamp(nextMs - NowMs, 1, _options.BackoffMs + 1), stop).ConfigureAwait(false);
                    continue;
                }

                if (!await TryFetchAsync(stop).ConfigureAwait(false))
                {
                    // A leader that is dead is soon replaced; one that is busy is not to be stormed.
                    await Task.Delay(RetryMs(++_failures), stop).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The broker stops, or nothing follows this leader any more.
        }
    }

    private long TakeWork()
    {
        long now = NowMs;
        (List<FollowedPartition> removed, List<FollowedPartition> added, long nextMs) = _work.Take(now);
        removed.ForEach(_session.Remove);
        foreach (FollowedPartition partition in added)
        {
            if (TryHoldBack(partition))
            {
                nextMs = Math.Min(nextMs, now + _options.BackoffMs);
            }
            else
            {
                _session.Add(partition);
            }
        }

        if (now - _lookedMs > LogStartLookMs)
        {
            _lookedMs = now;
            _session.TouchAll();
        }

        return nextMs;
    }

    private async Task<bool> TryFetchAsync(CancellationToken stop)
    {
        try
        {
            PeerConnection? connection = await ConnectAsync(stop).ConfigureAwait(false);
            if (connection is null)
            {
                return false;
            }

            FetchResponse answer = await connection.AskAsync<FetchResponse>(ApiKey.Fetch, FetchVersion, Request(), _options.Timeout, stop).ConfigureAwait(false);
            if (answer.ErrorCode != ErrorCode.None)
            {
                _session.Reset();
                return answer.ErrorCode is ErrorCode.FetchSessionIdNotFound or ErrorCode.InvalidFetchSessionEpoch or ErrorCode.FetchSessionTopicIdError;
            }

            _failures = 0;
            _outOfRange.Clear();
            _session.OnAnswer(answer.SessionId);
            foreach (FetchResponse.FetchableTopicResponse topic in answer.Responses)
            {
                foreach (FetchResponse.PartitionData data in topic.Partitions)
                {
                    if (_session.Find((topic.TopicId, data.PartitionIndex)) is { } followed && _work.Follows(followed))
                    {
                        Take(followed, data);
                    }
                }
            }

            foreach (FollowedPartition followed in _outOfRange)
            {
                Settle(followed, await StartFromLeaderAsync(followed, connection, stop).ConfigureAwait(false));
            }

            return true;
        }
        catch (Exception e) when (PeerConnection.IsFailure(e, stop))
        {
            if (_failures == 0)
            {
                InterBrokerLog.FetchFailed(_logger, _leader, e.Message);
            }

            Disconnect();
            return false;
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            // A defect with one answer must not end the following of all partitions.
            InterBrokerLog.Defect(_logger, "Following a leader", e);
            Disconnect();
            return false;
        }
    }

    private void Take(FollowedPartition followed, in FetchResponse.PartitionData data)
    {
        ErrorCode error = data.ErrorCode == ErrorCode.None ? _append.Take(followed, data) : data.ErrorCode;
        followed.HasCaughtUp = error == ErrorCode.None && data.HighWatermark <= followed.Partition.Log.LogEndOffset;
        if (data.ErrorCode == ErrorCode.OffsetOutOfRange)
        {
            _outOfRange.Add(followed);
            return;
        }

        _options.Throttles?.OnReceived(followed.Partition, data.Records.Length);
        Settle(followed, error);
    }

    /// <summary>Goes on after an answer, or tries again later.</summary>
    private void Settle(FollowedPartition followed, ErrorCode error)
    {
        if (error is ErrorCode.None or ErrorCode.OffsetOutOfRange)
        {
            followed.Failures = 0;
            if (TryHoldBack(followed))
            {
                _session.Remove(followed);
            }
            else
            {
                _session.Touch(followed);
            }

            return;
        }

        _session.Remove(followed);
        if (followed.Partition.Log.IsOffline)
        {
            // Its directory has failed: there is nothing to copy into.
            return;
        }

        if (followed.Failures++ == 3)
        {
            // The first ones are usual while leaders and followers are told of a change one after the other.
            InterBrokerLog.PartitionFailed(_logger, followed.Partition.TopicPartition, _leader, error);
        }

        _work.Delay(followed, NowMs + RetryMs(followed.Failures));
    }

    /// <summary>A throttled partition is not asked for while the limit is exceeded, but looked at again and again.</summary>
    private bool TryHoldBack(FollowedPartition followed)
    {
        if (_options.Throttles?.HoldsBack(followed) != true)
        {
            return false;
        }

        _work.Delay(followed, NowMs + _options.BackoffMs);
        return true;
    }

    /// <summary>The leader does not have the offset: its log ends before, or starts behind.</summary>
    private async Task<ErrorCode> StartFromLeaderAsync(FollowedPartition followed, PeerConnection connection, CancellationToken stop)
    {
        (ErrorCode error, long end) = await AskOffsetAsync(followed, LatestOffset, connection, stop).ConfigureAwait(false);
        if (error != ErrorCode.None)
        {
            return error;
        }

        if (end < followed.Partition.Log.LogEndOffset)
        {
            return followed.Partition.Log.TruncateAsFollower(end, followed.LeaderEpoch);
        }

        (error, long start) = await AskOffsetAsync(followed, EarliestOffset, connection, stop).ConfigureAwait(false);
        if (error == ErrorCode.None && start > followed.Partition.Log.LogEndOffset)
        {
            InterBrokerLog.StartsOver(_logger, followed.Partition.TopicPartition, start);
            return followed.Partition.Log.StartOverAsFollower(start, followed.LeaderEpoch);
        }

        return error;
    }

    private const long LatestOffset = -1;
    private const long EarliestOffset = -2;
    private const short ListOffsetsVersion = 9;

    private async Task<(ErrorCode Error, long Offset)> AskOffsetAsync(FollowedPartition followed, long which, PeerConnection connection, CancellationToken stop)
    {
        TopicPartition partition = followed.Partition.TopicPartition;
        var request = new ListOffsetsRequest
        {
            ReplicaId = _self,
            Topics =
            [
                new ListOffsetsRequest.ListOffsetsTopic
                {
                    Name = partition.Topic,
                    Partitions = [new ListOffsetsRequest.ListOffsetsPartition { PartitionIndex = partition.Partition, CurrentLeaderEpoch = followed.LeaderEpoch, Timestamp = which }],
                },
            ],
        };
        ListOffsetsResponse answer = await connection.AskAsync<ListOffsetsResponse>(ApiKey.ListOffsets, ListOffsetsVersion, request, _options.Timeout, stop).ConfigureAwait(false);
        foreach (ListOffsetsResponse.ListOffsetsTopicResponse topic in answer.Topics)
        {
            foreach (ListOffsetsResponse.ListOffsetsPartitionResponse found in topic.Partitions)
            {
                return (found.ErrorCode, found.Offset);
            }
        }

        return (ErrorCode.UnknownServerError, -1);
    }

    private FetchRequest Request()
    {
        var request = new FetchRequest
        {
            ReplicaState = new FetchRequest.FollowerState { ReplicaId = _self, ReplicaEpoch = _brokerEpoch() },
            MaxWaitMs = _options.MaxWaitMs,
            MinBytes = _options.MinBytes,
            MaxBytes = _options.MaxBytes,
            RackId = "",
        };
        _session.Describe(request);
        return request;
    }

    private async ValueTask<PeerConnection?> ConnectAsync(CancellationToken stop)
    {
        if (_metadata.Current.Broker(_leader)?.Endpoint(_peers.Listener) is not { } endpoint)
        {
            Disconnect();
            return null;
        }

        if (!_link.IsConnectedTo(endpoint))
        {
            // Sessions end with their connection here: a leader at another end point is another process.
            _session.Reset();
        }

        return await _link.ConnectAsync(endpoint, stop).ConfigureAwait(false);
    }

    private void Disconnect()
    {
        _link.Disconnect();
        _session.Reset();
    }

    private int RetryMs(int failures) => Math.Min(FirstRetryMs << Math.Min(failures, 10), Math.Max(_options.BackoffMs, FirstRetryMs));
}
