using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.ZooKeeper;

/// <summary>
/// A session with a ZooKeeper ensemble. Thread-safe; requests go out in the order they are made and are answered in that order. While no server answers
/// they wait, up to the session timeout. A lost connection is replaced; reads that were on their way are asked again, changes that were fail with
/// <see cref="ZooKeeperConnectionLossException"/>, because nobody knows whether they happened. When the session expires the client is of no more use.
/// <para>Watchers and <see cref="StateChanged"/> are called one at a time on the session's loop, before the answer to anything the server did later: they
/// must neither block nor throw, and may make requests. Watches survive reconnects, and what happened meanwhile is told.</para>
/// </summary>
public sealed partial class ZooKeeperClient : IAsyncDisposable
{
    private const int MaxCloseWaitMs = 5000;

    private readonly ZooKeeperClientOptions _options;
    private readonly SessionLoop _loop;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Task _run;
    private int _isDisposed;

    private ZooKeeperClient(ZooKeeperClientOptions options, SessionIdentity session, TimeProvider time, ILogger logger, Action<ZooKeeperState>? stateChanged)
    {
        _options = options;
        _time = time;
        _logger = logger;
        _loop = new SessionLoop(options, session, time, logger);
        _loop.StateChanged += stateChanged;
        _run = _loop.RunAsync();
    }

    /// <summary>Told of every change of <see cref="State"/>, in order with the watches' events.</summary>
    public event Action<ZooKeeperState>? StateChanged
    {
        add => _loop.StateChanged += value;
        remove => _loop.StateChanged -= value;
    }

    public ZooKeeperState State => _loop.State;

    public long SessionId => _loop.Session.Id;

    /// <summary>What the server agreed to, in ms.</summary>
    public int SessionTimeoutMs => _loop.SessionTimeoutMs;

    /// <summary>Completes when the session is over, with the last state.</summary>
    public Task<ZooKeeperState> Ended => _loop.Ended;

    internal SessionIdentity Session => _loop.Session;

    private string Chroot => _options.Servers.Chroot;

    /// <summary>Starts a session.</summary>
    /// <param name="options">Where and as whom.</param>
    /// <param name="time">The clock of timeouts and pauses.</param>
    /// <param name="logger">Hears of connections and sessions.</param>
    /// <param name="stateChanged">Told from the first state on.</param>
    /// <param name="stop">Gives up waiting.</param>
    /// <exception cref="ZooKeeperConnectionLossException">No server answered within the connection timeout.</exception>
    /// <exception cref="ZooKeeperAuthFailedException">The credentials were refused.</exception>
    public static Task<ZooKeeperClient> ConnectAsync(
        ZooKeeperClientOptions options, TimeProvider time, ILogger? logger = null, Action<ZooKeeperState>? stateChanged = null, CancellationToken stop = default) =>
        ConnectAsync(options, SessionIdentity.New, time, logger, stateChanged, stop);

    internal static async Task<ZooKeeperClient> ConnectAsync(
        ZooKeeperClientOptions options, SessionIdentity session, TimeProvider time, ILogger? logger = null, Action<ZooKeeperState>? stateChanged = null, CancellationToken stop = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.SessionTimeoutMs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxInFlightRequests, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxFrameBytes, 1024);
        var client = new ZooKeeperClient(options, session, time, logger ?? NullLogger.Instance, stateChanged);
        int timeoutMs = options.ConnectionTimeoutMs ?? options.SessionTimeoutMs;
        try
        {
            await client._loop.FirstConnection.WaitAsync(TimeSpan.FromMilliseconds(timeoutMs), time, stop).ConfigureAwait(false);
            return client;
        }
        catch (TimeoutException e)
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw new ZooKeeperConnectionLossException(
                $"No ZooKeeper server of {options.Servers} could be used within {timeoutMs} ms (last, {client._loop.LastFailure}). Check that it runs and that zookeeper.connect names it", false, e);
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends the session, and with it its ephemeral nodes. Requests that wait fail with <see cref="ZooKeeperClosedException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            await CloseSessionAsync().ConfigureAwait(false);
            _loop.Stop();
        }

        await _run.ConfigureAwait(false);
    }

    private async Task CloseSessionAsync()
    {
        bool isConnected = State == ZooKeeperState.Connected;
        var close = new PendingRequest<bool>(OpCode.CloseSession, "/", isRepeatable: false, RequestFrames.Empty(OpCode.CloseSession), Replies.Nothing);
        _loop.BeginClose();
        _loop.Requests.BeginClose(unknown => new ZooKeeperClosedException(unknown), close);
        if (!isConnected)
        {
            return;
        }

        try
        {
            // The loop ends when the connection does, and fails the request then.
            await close.Result.WaitAsync(TimeSpan.FromMilliseconds(Math.Min(SessionTimeoutMs, MaxCloseWaitMs)), _time).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or ZooKeeperException)
        {
            ZooKeeperLog.CloseUnconfirmed(_logger, SessionId, e.Message);
        }
    }
}
