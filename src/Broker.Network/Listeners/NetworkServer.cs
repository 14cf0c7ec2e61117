using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Broker.Network;

/// <summary>
/// The listeners and all their connections. Life: <see cref="BindAsync"/>, <see cref="StartAccepting"/>, <see cref="StopAsync"/>, dispose (which aborts what is left). Thread-safe.
/// </summary>
public sealed class NetworkServer : IAsyncDisposable
{
    private readonly NetworkOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ConnectionHost _host;
    private readonly ConnectionLimiter _limiter;
    private readonly RefusalLog _refusals;
    private readonly NetworkMetrics _metrics;
    private readonly ConcurrentDictionary<Connection, Task> _connections = new();
    private readonly Dictionary<string, IPEndPoint> _boundEndpoints = [];
    private readonly TimeSpan _maxIdle;
    private Listener[] _listeners = [];
    private ITimer? _sweep;
    private long _nextConnection;
    private bool _isStopping;

    public NetworkServer(NetworkOptions options, IFrameHandler handler, TimeProvider time, ILoggerFactory loggers)
    {
        SocketRuntime.Configure();
        _options = options;
        _time = time;
        _log = loggers.CreateLogger("Broker.Network");
        _host = new ConnectionHost(options, handler, time, _log);
        _limiter = new ConnectionLimiter(options.ConnectionLimits, _log);
        _refusals = new RefusalLog(time, _log);
        _maxIdle = options.MaxIdleMs > 0 ? TimeSpan.FromMilliseconds(options.MaxIdleMs) : Timeout.InfiniteTimeSpan;
        _metrics = new NetworkMetrics(_connections, _refusals);
    }

    /// <summary>Listener name -> the address really bound (with the port that the system chose where 0 was asked for). Filled by <see cref="BindAsync"/>.</summary>
    public IReadOnlyDictionary<string, IPEndPoint> BoundEndpoints => _boundEndpoints;

    public int ConnectionCount => _connections.Count;

    /// <summary>Binds every listener or none. Throws <see cref="ListenerBindException"/> with a message for the operator.</summary>
    public async Task BindAsync()
    {
        var listeners = new List<Listener>();
        try
        {
            foreach (ListenerOptions options in _options.Listeners)
            {
                Listener listener = await Listener.BindAsync(options, _options.ReceiveBufferBytes, _time, _log).ConfigureAwait(false);
                listeners.Add(listener);
                _boundEndpoints.Add(listener.Name, listener.EndPoint);
                NetworkLog.Bound(_log, listener.Name, listener.EndPoint);
            }
        }
        catch
        {
            listeners.ForEach(l => l.Dispose());
            _boundEndpoints.Clear();
            throw;
        }

        _listeners = [.. listeners];
    }

    /// <summary>Begins to accept. Until then the system queues clients up to the backlog and nobody is answered.</summary>
    public void StartAccepting()
    {
        TimeSpan period = SweepPeriod(_maxIdle);
        _sweep = _time.CreateTimer(static state => ((NetworkServer)state!).Sweep(), this, period, period);
        foreach (Listener listener in _listeners)
        {
            listener.StartAccepting(OnAccepted);
        }
    }

    /// <summary>Replaces the connection limits; open connections stay.</summary>
    public void UpdateConnectionLimits(ConnectionLimits limits) => _limiter.Update(limits);

    /// <summary>
    /// Stops accepting and takes no new frames, lets requests in work finish and their answers leave, then closes. What is not done after <paramref name="grace"/> is aborted.
    /// </summary>
    public async Task StopAsync(TimeSpan grace)
    {
        if (Interlocked.Exchange(ref _isStopping, true))
        {
            if (grace == TimeSpan.Zero)
            {
                AbortAll();
            }

            await Task.WhenAll(_connections.Values).ConfigureAwait(false);
            return;
        }

        foreach (Listener listener in _listeners)
        {
            await listener.CloseAsync().ConfigureAwait(false);
        }

        // ToArray is one consistent copy; a spread would take the count first and leave holes for connections that end meanwhile.
        KeyValuePair<Connection, Task>[] open = _connections.ToArray();
        foreach ((Connection connection, _) in open)
        {
            connection.Stop();
        }

        int aborted = await FinishAsync(open, grace).ConfigureAwait(false);
        if (_sweep is not null)
        {
            await _sweep.DisposeAsync().ConfigureAwait(false);
        }

        _metrics.Dispose();
        NetworkLog.Stopped(_log, open.Length - aborted, aborted, (long)grace.TotalMilliseconds);
    }

    public ValueTask DisposeAsync() => new(StopAsync(TimeSpan.Zero));

    private void AbortAll()
    {
        foreach ((Connection connection, _) in _connections)
        {
            connection.Abort();
        }
    }

    private async Task<int> FinishAsync(KeyValuePair<Connection, Task>[] open, TimeSpan grace)
    {
        Task all = Task.WhenAll(Array.ConvertAll(open, c => c.Value));
        try
        {
            await all.WaitAsync(grace, _time).ConfigureAwait(false);
            return 0;
        }
        catch (TimeoutException)
        {
            int aborted = 0;
            foreach ((Connection connection, Task running) in open)
            {
                aborted += !running.IsCompleted && connection.Abort() ? 1 : 0;
            }

            await all.ConfigureAwait(false);
            return aborted;
        }
    }

    // A connection is closed at most an eighth of its idle time late; the sweep costs a few nanoseconds per connection.
    private static TimeSpan SweepPeriod(TimeSpan maxIdle)
    {
        var longest = TimeSpan.FromSeconds(15);
        return maxIdle == Timeout.InfiniteTimeSpan || maxIdle / 8 > longest ? longest : TimeSpan.FromMilliseconds(Math.Max(1, maxIdle.TotalMilliseconds / 8));
    }

    private void Sweep()
    {
        if (_maxIdle != Timeout.InfiniteTimeSpan)
        {
            foreach ((Connection connection, _) in _connections)
            {
                connection.CheckIdle(_maxIdle);
            }
        }

        BufferPool.Trim();
    }

    private void OnAccepted(Listener listener, Socket socket)
    {
        IPEndPoint? remote = null;
        try
        {
            remote = ClientAddress.Normalise(socket.RemoteEndPoint);
            string? refusal = Volatile.Read(ref _isStopping) ? "the broker is stopping." : _limiter.TryEnter(remote.Address);
            if (refusal is null)
            {
                Start(listener, socket, remote);
                return;
            }

            _refusals.Add(remote, listener.Name, refusal);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client was gone before its socket was set up.
            NetworkLog.Broken(_log, remote?.ToString() ?? listener.Name, e.Message);
        }

        socket.Dispose();
    }

    private void Start(Listener listener, Socket socket, IPEndPoint remote)
    {
        Connection connection;
        try
        {
            socket.NoDelay = true;
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            IPEndPoint local = ClientAddress.Normalise(socket.LocalEndPoint);
            bool isOnThisMachine = IPAddress.IsLoopback(remote.Address) || remote.Address.Equals(local.Address);
            int sendBufferBytes = _options.SendBufferBytes == 0 && isOnThisMachine ? _options.LocalSendBufferBytes : _options.SendBufferBytes;
            if (sendBufferBytes > 0)
            {
                socket.SendBufferSize = sendBufferBytes;
            }

            string id = $"{local}-{remote}-{Interlocked.Increment(ref _nextConnection)}";
            connection = new Connection(_host, new SocketTransport(socket), new ClientConnection(id, listener.Name, local, remote));
        }
        catch
        {
            _limiter.Leave(remote.Address);
            throw;
        }

        var begin = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _connections[connection] = RunAsync(connection, begin.Task);
        _metrics.OnAccepted();
        begin.SetResult();
    }

    /// <summary>Waits for <paramref name="begin"/>, so that a connection is listed before it runs and its end finds its entry.</summary>
    private async Task RunAsync(Connection connection, Task begin)
    {
        await begin.ConfigureAwait(false);
        await connection.RunAsync().ConfigureAwait(false);
        _metrics.OnEnded(connection);
        _limiter.Leave(connection.Client.Remote.Address);
    }
}
