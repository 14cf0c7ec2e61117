using System.Net.Sockets;
using Broker.Cluster;
using Broker.Network;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>An idle connection to one registration of a broker, made anew whenever it ends, and what comes of that (<see cref="KnockVerdict"/>). Ends when it is disposed.</summary>
internal sealed class PeerLifeline : IAsyncDisposable
{
    /// <summary>By then it is known that the broker has ended, or it is only this one that cannot reach it.</summary>
    private static readonly TimeSpan LongestSuspicion = TimeSpan.FromSeconds(10);

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
            Task end = connection.EndAsync(stop);
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
        catch (Exception e) when (PeerConnection.IsFailure(e, stop))
        {
            pause = _verdict.Failed();
        }

        Publish();
        return pause;
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
