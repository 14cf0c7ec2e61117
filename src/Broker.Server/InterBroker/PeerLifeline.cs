using System.Net.Sockets;
using Broker.Cluster;
using Broker.Network;
using Broker.Protocol;
using Broker.Protocol.Messages;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>An idle connection to one registration of a broker, made anew whenever it ends, and what comes of that (<see cref="KnockVerdict"/>). Ends when it is disposed.</summary>
internal sealed class PeerLifeline : IAsyncDisposable
{
    /// <summary>By then it is known that the broker has ended, or it is only this one that cannot reach it.</summary>
    private static readonly TimeSpan LongestSuspicion = TimeSpan.FromSeconds(10);

    /// <summary>One that takes longer for an answer is not waited for.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromMilliseconds(50);

    // ApiVersions, which every broker answers on any connection, in the version that needs no body.
    private static readonly byte[] Question = PeerConnection.Frame(new RequestHeader(ApiKey.ApiVersions, 0, 0, ""), new ApiVersionsRequest());

    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action _changed;
    private readonly KnockVerdict _verdict = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _worker;
    private volatile bool _refuses;

    // A timestamp, or 0.
    private long _suspectSince;

    private readonly Lock _lock = new();
    private IdleConnection? _connection;
    private TaskCompletionSource? _question;
    private long _askedAt;

    public PeerLifeline(BrokerImage broker, EndpointImage endpoint, TimeSpan timeout, TimeProvider time, ILogger logger, Action changed)
    {
        Broker = broker;
        Endpoint = endpoint;
        _timeout = timeout;
        _time = time;
        _logger = logger;
        _changed = changed;
        _worker = Task.Run(WorkAsync);
    }

    public BrokerImage Broker { get; }

    public EndpointImage Endpoint { get; }

    public bool Refuses => _refuses;

    /// <summary>A connection has ended just now, and there is none yet that lasts.</summary>
    public bool IsSuspect => Interlocked.Read(ref _suspectSince) is not 0 and long since && _time.GetElapsedTime(since) < LongestSuspicion;

    /// <summary>
    /// Asks it for a sign of life. Completes with it, or when the connection is over and <see cref="IsSuspect"/> says so; at once, when there is no connection, or it has been silent for
    /// a while already.
    /// </summary>
    public Task HearAsync()
    {
        IdleConnection connection;
        Task heard;
        lock (_lock)
        {
            if (_connection is null)
            {
                return Task.CompletedTask;
            }

            if (_question is not null)
            {
                return _time.GetElapsedTime(_askedAt) < LongestSilence ? _question.Task : Task.CompletedTask;
            }

            connection = _connection;
            _question = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _askedAt = _time.GetTimestamp();
            heard = _question.Task;
        }

        _ = connection.SendAsync(Question);
        return heard;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _worker.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task WorkAsync()
    {
        CancellationToken stop = _stopping.Token;
        try
        {
            while (true)
            {
                TimeSpan pause = await KnockAsync(stop).ConfigureAwait(false);
                if (pause > TimeSpan.Zero)
                {
                    await Task.Delay(pause, _time, stop).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The registration has ended, or it is not watched any more.
        }
    }

    private async Task<TimeSpan> KnockAsync(CancellationToken stop)
    {
        TimeSpan pause;
        try
        {
            using IdleConnection connection = await ConnectAsync(stop).ConfigureAwait(false);
            long since = _time.GetTimestamp();
            _verdict.Accepted();
            Publish();
            Use(connection);
            Task end = connection.EndAsync(Heard, stop);
            if (_verdict.IsSuspect && await Task.WhenAny(end, Task.Delay(KnockVerdict.Pause, _time, stop)).ConfigureAwait(false) != end)
            {
                _verdict.Lived();
                Publish();
            }

            await end.ConfigureAwait(false);
            pause = _verdict.Ended(_time.GetElapsedTime(since));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            pause = _verdict.Refused();
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            pause = _verdict.Dropped();
        }
        catch (Exception e) when (PeerConnection.IsFailure(e, stop))
        {
            pause = _verdict.Failed();
        }

        Publish();
        Use(null);
        return pause;
    }

    private void Use(IdleConnection? connection)
    {
        lock (_lock)
        {
            _connection = connection;
        }

        Heard();
    }

    private void Heard()
    {
        lock (_lock)
        {
            _question?.TrySetResult();
            _question = null;
        }
    }

    private async Task<IdleConnection> ConnectAsync(CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        return await IdleConnection.ConnectAsync(Endpoint.Host, Endpoint.Port, either.Token).ConfigureAwait(false);
    }

    private void Publish()
    {
        if (!_verdict.IsSuspect)
        {
            Interlocked.Exchange(ref _suspectSince, 0);
        }
        else if (_suspectSince == 0)
        {
            Interlocked.Exchange(ref _suspectSince, _time.GetTimestamp() | 1);
        }

        if (_refuses == _verdict.Refuses)
        {
            return;
        }

        _refuses = _verdict.Refuses;
        if (_refuses)
        {
            InterBrokerLog.Refuses(_logger, Broker.Id, Broker.Epoch, Endpoint.Host, Endpoint.Port);
        }
        else
        {
            InterBrokerLog.AcceptsAgain(_logger, Broker.Id, Broker.Epoch, Endpoint.Host, Endpoint.Port);
        }

        _changed();
    }
}
