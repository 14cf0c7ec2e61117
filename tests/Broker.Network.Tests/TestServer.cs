using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;

namespace Broker.Network.Tests;

/// <summary>A server on a free port of the loopback, its log lines, and the wait until its buffers are back.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private TestServer(NetworkServer server, CapturedLog log)
    {
        Server = server;
        Log = log;
    }

    public NetworkServer Server { get; }

    public CapturedLog Log { get; }

    public IPEndPoint EndPoint => Server.BoundEndpoints["TEST"];

    public static async Task<TestServer> StartAsync(IFrameHandler handler, Func<NetworkOptions, NetworkOptions>? configure = null, TimeProvider? time = null)
    {
        var options = new NetworkOptions { Listeners = [new ListenerOptions("TEST", "127.0.0.1", 0, 512)] };
        var log = new CapturedLog();
        var server = new NetworkServer(configure?.Invoke(options) ?? options, handler, time ?? TimeProvider.System, log);
        await server.BindAsync();
        server.StartAccepting();
        return new TestServer(server, log);
    }

    public Task<TestClient> ConnectAsync(int receiveBufferBytes = 0) => TestClient.ConnectAsync(EndPoint, receiveBufferBytes);

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}

/// <summary>Waits for something that other threads bring about; says what it waited for when it never comes.</summary>
internal static class Eventually
{
    public static async Task TrueAsync(Func<bool> condition, string what)
    {
        long end = Environment.TickCount64 + (long)TestClient.Patience.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < end, "Never came true: " + what);
            await Task.Delay(5);
        }
    }

    public static Task BuffersReturnedAsync() => TrueAsync(() => BufferPool.RentedBytes == 0, $"all buffers returned ({BufferPool.RentedBytes} bytes are out)");
}

internal sealed class CapturedLog : ILoggerFactory, ILogger
{
    public ConcurrentQueue<(LogLevel Level, string Text)> Lines { get; } = new();

    public int Count(string part) => Lines.Count(l => l.Text.Contains(part, StringComparison.Ordinal));

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue((logLevel, formatter(state, exception)));

    public void Dispose()
    {
    }
}
