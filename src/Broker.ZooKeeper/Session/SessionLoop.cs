using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;

namespace Broker.ZooKeeper;

/// <summary>
/// The life of a session: connects, reconnects to other servers, and ends when the server says so, the credentials are refused or the client closes. One
/// loop; watchers and <see cref="StateChanged"/> are called on it, one at a time, in the order of what the server sent.
/// </summary>
internal sealed class SessionLoop
{
    private const int MinPauseMs = 20;
    private const int MaxPauseMs = 1000;

    private static readonly TimeSpan SteadyAfter = TimeSpan.FromSeconds(1);

    private readonly ZooKeeperClientOptions _options;
    private readonly ServerList _servers;
    private readonly FrameHandler _handler;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _firstConnection = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ZooKeeperState> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SessionIdentity _session = SessionIdentity.New;
    private int _sessionTimeoutMs;
    private int _failures;
    private volatile bool _isClosing;
    private volatile int _state = (int)ZooKeeperState.Connecting;

    public SessionLoop(ZooKeeperClientOptions options, SessionIdentity session, TimeProvider time, ILogger logger)
    {
        _options = options;
        _session = session;
        _time = time;
        _logger = logger;
        _sessionTimeoutMs = options.SessionTimeoutMs;
        _servers = new ServerList(options.Servers.Servers, options.Random);
        Requests = new RequestQueue(options.MaxInFlightRequests, time);
        _handler = new FrameHandler(Requests, Watches, options.Servers.Chroot, logger);
    }

    public event Action<ZooKeeperState>? StateChanged;

    public RequestQueue Requests { get; }

    public WatchRegistry Watches { get; } = new();

    public SessionIdentity Session => _session;

    public int SessionTimeoutMs => Volatile.Read(ref _sessionTimeoutMs);

    public ZooKeeperState State => (ZooKeeperState)_state;

    public Task FirstConnection => _firstConnection.Task;

    public Task<ZooKeeperState> Ended => _ended.Task;

    /// <summary>Why there is no connection; for messages.</summary>
    public string LastFailure { get; private set; } = "no server was tried yet";

    /// <summary>From now on a lost connection ends the loop instead of starting it again.</summary>
    public void BeginClose() => _isClosing = true;

    public void Stop() => _stop.Cancel();

    public async Task RunAsync()
    {
        // The constructor of the client must not do the first steps on its caller's thread.
        await Task.Yield();
        try
        {
            await LiveAsync().ConfigureAwait(false);
        }
        catch (Exception defect)
        {
            // Ours, not the peer's: nobody may wait for answers that this loop no longer brings.
            ZooKeeperLog.Defect(_logger, defect);
            EndAs(ZooKeeperState.Closed, unknown => new ZooKeeperConnectionLossException($"The ZooKeeper client failed: {defect.Message}", unknown, defect));
        }
    }

    private async Task LiveAsync()
    {
        while (!_isClosing && !_stop.IsCancellationRequested)
        {
            ZooKeeperServerAddress server = _servers.Next();
            Exception failure = await VisitAsync(server).ConfigureAwait(false);
            if (failure is ZooKeeperSessionExpiredException)
            {
                ZooKeeperLog.Expired(_logger, _session.Id, server);
                EndAs(ZooKeeperState.Expired, unknown => new ZooKeeperSessionExpiredException(_session.Id, unknown));
                return;
            }

            if (failure is ZooKeeperAuthFailedException refusal)
            {
                ZooKeeperLog.AuthFailed(_logger, server, refusal.Message);
                EndAs(ZooKeeperState.AuthFailed, _ => new ZooKeeperAuthFailedException(refusal.Message, refusal));
                return;
            }

            await PauseAsync().ConfigureAwait(false);
        }

        EndAs(ZooKeeperState.Closed, unknown => new ZooKeeperClosedException(unknown));
    }

    /// <summary>One connection, from its first byte to its end; returns why it ended.</summary>
    private async Task<Exception> VisitAsync(ZooKeeperServerAddress server)
    {
        (ServerConnection? connection, Exception? refusal) = await ConnectAsync(server).ConfigureAwait(false);
        if (connection is null)
        {
            _failures++;
            LastFailure = $"{server}: {refusal!.Message}";
            ZooKeeperLog.ConnectFailed(_logger, server, refusal.Message);
            return refusal;
        }

        await using (connection.ConfigureAwait(false))
        {
            long since = _time.GetTimestamp();
            bool isFirst = !_firstConnection.Task.IsCompleted;
            ChangeState(ZooKeeperState.Connected);
            ZooKeeperLog.Connected(_logger, server, _session.Id, SessionTimeoutMs);
            _firstConnection.TrySetResult();
            List<ArraySegment<byte>> watches = isFirst ? [] : Watches.Snapshot().Frames(_handler.LastZxid);
            if (!isFirst)
            {
                _handler.TellReconnected();
            }

            Exception failure = await connection.RunAsync(watches, _handler.Handle, _stop.Token).ConfigureAwait(false);
            _failures = _time.GetElapsedTime(since) >= SteadyAfter ? 0 : _failures + 1;
            Lose(server, failure);
            return failure;
        }
    }

    private async Task<(ServerConnection? Connection, Exception? Failure)> ConnectAsync(ZooKeeperServerAddress server)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(Math.Max(1, SessionTimeoutMs / _servers.Count)), _time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        Stream? stream = null;
        FrameReader? frames = null;
        try
        {
            stream = await ServerLink.OpenAsync(server, _options.Tls, _options.Random, stop.Token).ConfigureAwait(false);
            frames = new FrameReader(stream, _options.MaxFrameBytes);
            var handshake = new Handshake(stream, frames, _options);
            (_session, int timeoutMs) = await handshake.ConnectAsync(_session, _handler.LastZxid, stop.Token).ConfigureAwait(false);
            Volatile.Write(ref _sessionTimeoutMs, timeoutMs);
            await handshake.AuthenticateAsync(stop.Token).ConfigureAwait(false);
            return (new ServerConnection(stream, frames, Requests, _time, timeoutMs), null);
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or OperationCanceledException or ZooKeeperException)
        {
            frames?.Dispose();
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            return (null, limit.IsCancellationRequested ? new TimeoutException($"no answer within {SessionTimeoutMs / _servers.Count} ms", e) : e);
        }
    }

    private void Lose(ZooKeeperServerAddress server, Exception failure)
    {
        LastFailure = $"{server}: {failure.Message}";
        if (failure is ZooKeeperSessionExpiredException or ZooKeeperAuthFailedException)
        {
            return;
        }

        if (_isClosing || _stop.IsCancellationRequested)
        {
            return;
        }

        ZooKeeperLog.Lost(_logger, server, _session.Id, failure.Message);
        ChangeState(ZooKeeperState.Connecting);
        Requests.ConnectionLost(
            unknown => failure is ZooKeeperProtocolException
                ? new ZooKeeperProtocolException(failure.Message, failure) { IsOutcomeUnknown = unknown }
                : new ZooKeeperConnectionLossException(
                    unknown ? $"The connection to {server} was lost ({failure.Message}) before it answered: the change may or may not have happened" : $"The connection to {server} was lost ({failure.Message})",
                    unknown,
                    failure),
            failAll: failure is ZooKeeperProtocolException);
    }

    /// <summary>None while there are servers that were not tried since the last good connection; then longer ones, as long as nobody answers.</summary>
    private async Task PauseAsync()
    {
        TimeSpan patience = TimeSpan.FromMilliseconds(SessionTimeoutMs);
        Requests.FailWaitingSince(
            patience,
            _ => new ZooKeeperConnectionLossException($"ZooKeeper could not be reached for {SessionTimeoutMs} ms; last, {LastFailure}. The request was not sent", isOutcomeUnknown: false));
        if (_failures < _servers.Count)
        {
            return;
        }

        int rounds = Math.Min(_failures / _servers.Count, 10);
        double pauseMs = Math.Min(MaxPauseMs, MinPauseMs << rounds) * (0.5 + (_options.Random.NextDouble() / 2));
        await Task.Delay(TimeSpan.FromMilliseconds(pauseMs), _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void EndAs(ZooKeeperState state, Func<bool, Exception> failure)
    {
        ChangeState(state);
        _firstConnection.TrySetException(failure(false));
        Requests.End(failure);
        if (state == ZooKeeperState.Expired)
        {
            _handler.TellExpired();
        }

        _ended.TrySetResult(state);
    }

    private void ChangeState(ZooKeeperState state)
    {
        if (_state != (int)state)
        {
            _state = (int)state;
            try
            {
                StateChanged?.Invoke(state);
            }
            catch (Exception e)
            {
                ZooKeeperLog.ListenerFailed(_logger, state, e);
            }
        }
    }
}
