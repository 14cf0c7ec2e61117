using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Network.Tests;

public sealed class ServerTests : IAsyncLifetime
{
    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Eventually.BuffersReturnedAsync();

    [Fact]
    public async Task Nobody_is_answered_between_bind_and_start()
    {
        await using var server = new NetworkServer(Listeners(new ListenerOptions("A", "127.0.0.1", 0)), TestHandler.Echo, TimeProvider.System, NullLoggerFactory.Instance);
        await server.BindAsync();
        using TestClient client = await TestClient.ConnectAsync(server.BoundEndpoints["A"]);
        await client.SendAsync(TestClient.Frame(1));
        Assert.Equal(0, server.ConnectionCount);

        server.StartAccepting();

        Assert.Equal(1, await client.ReceiveNumberAsync());
    }

    [Fact]
    public async Task Each_listener_has_its_name_and_its_address()
    {
        var handler = new TestHandler((connection, _) => new(FrameAnswer.Respond(TestHandler.EchoFrame(System.Text.Encoding.ASCII.GetBytes(connection.ListenerName)))));
        await using var server = new NetworkServer(
            Listeners(new ListenerOptions("V4", "127.0.0.1", 0), new ListenerOptions("ANY", "", 0), new ListenerOptions("ZERO", "0.0.0.0", 0), new ListenerOptions("NAME", "localhost", 0)),
            handler, TimeProvider.System, NullLoggerFactory.Instance);
        await server.BindAsync();
        server.StartAccepting();

        foreach ((string name, IPEndPoint endPoint) in server.BoundEndpoints)
        {
            Assert.NotEqual(0, endPoint.Port);
            using TestClient client = await TestClient.ConnectAsync(endPoint);
            await client.SendAsync(TestClient.Frame(1));
            Assert.Equal(name, System.Text.Encoding.ASCII.GetString((await client.ReceiveAsync())!));
        }
    }

    [Fact]
    public async Task The_wildcard_serves_both_families_and_shows_an_ipv4_client_as_ipv4()
    {
        var handler = new TestHandler((connection, _) => new(FrameAnswer.Respond(TestHandler.EchoFrame(System.Text.Encoding.ASCII.GetBytes(connection.ClientHost)))));
        await using var server = new NetworkServer(Listeners(new ListenerOptions("ANY", "", 0)), handler, TimeProvider.System, NullLoggerFactory.Instance);
        await server.BindAsync();
        server.StartAccepting();
        IPEndPoint bound = server.BoundEndpoints["ANY"];

        using TestClient four = await TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, bound.Port));
        await four.SendAsync(TestClient.Frame(1));
        Assert.Equal("/127.0.0.1", System.Text.Encoding.ASCII.GetString((await four.ReceiveAsync())!));

        if (bound.AddressFamily == AddressFamily.InterNetworkV6)
        {
            using TestClient six = await TestClient.ConnectAsync(new IPEndPoint(IPAddress.IPv6Loopback, bound.Port));
            await six.SendAsync(TestClient.Frame(1));
            Assert.Equal("/::1", System.Text.Encoding.ASCII.GetString((await six.ReceiveAsync())!));
        }
    }

    [Fact]
    public async Task A_port_in_use_is_explained_and_nothing_stays_bound()
    {
        await using TestServer first = await TestServer.StartAsync(TestHandler.Echo);
        int port = first.EndPoint.Port;
        await using var second = new NetworkServer(
            Listeners(new ListenerOptions("FREE", "127.0.0.1", 0), new ListenerOptions("TAKEN", "127.0.0.1", port)), TestHandler.Echo, TimeProvider.System, NullLoggerFactory.Instance);

        ListenerBindException e = await Assert.ThrowsAsync<ListenerBindException>(second.BindAsync);

        Assert.StartsWith($"Socket server failed to bind to 127.0.0.1:{port}: Address already in use.", e.Message, StringComparison.Ordinal);
        Assert.Empty(second.BoundEndpoints);
    }

    [Theory]
    [InlineData("192.0.2.1", "Cannot assign requested address.")]
    [InlineData("no-such-host.invalid", "cannot be resolved")]
    public async Task An_address_that_is_not_ours_is_explained(string host, string cause)
    {
        await using var server = new NetworkServer(Listeners(new ListenerOptions("L", host, 0)), TestHandler.Echo, TimeProvider.System, NullLoggerFactory.Instance);

        ListenerBindException e = await Assert.ThrowsAsync<ListenerBindException>(server.BindAsync);

        Assert.StartsWith($"Socket server failed to bind to {host}:0: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(cause, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Idle_connections_are_closed_and_busy_ones_stay()
    {
        var time = new FakeTimeProvider();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new TestHandler(async (_, frame) =>
        {
            byte[] body = frame.ToArray();
            if (body[3] == 9)
            {
                await gate.Task;
            }

            return FrameAnswer.Respond(TestHandler.EchoFrame(body));
        });
        await using TestServer server = await TestServer.StartAsync(handler, o => o with { MaxIdleMs = 8000 }, time);
        using TestClient silent = await server.ConnectAsync();
        using TestClient halfOpen = await server.ConnectAsync();
        using TestClient active = await server.ConnectAsync();
        using TestClient waiting = await server.ConnectAsync();
        await halfOpen.SendAsync(new byte[] { 0, 0 });
        await waiting.SendAsync(TestClient.Frame(9));
        await Eventually.TrueAsync(() => server.Server.ConnectionCount == 4 && handler.Closed.IsEmpty, "all connected");

        for (int second = 0; second < 12; second++)
        {
            await active.SendAsync(TestClient.Frame(1));
            Assert.Equal(1, await active.ReceiveNumberAsync());
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.True(await silent.IsClosedByServerAsync());
        Assert.True(await halfOpen.IsClosedByServerAsync());
        Assert.Equal(2, server.Log.Count("connections.max.idle.ms"));
        gate.SetResult();
        Assert.Equal(9, await waiting.ReceiveNumberAsync());
        await active.SendAsync(TestClient.Frame(1));
        Assert.Equal(1, await active.ReceiveNumberAsync());
    }

    [Fact]
    public async Task Connections_beyond_the_limits_are_refused_and_a_freed_place_is_given_again()
    {
        var limits = new ConnectionLimits { MaxConnections = 3, MaxConnectionsPerIp = 1, MaxConnectionsPerIpOverrides = new Dictionary<string, int> { ["127.0.0.1"] = 2 } };
        await using TestServer server = await TestServer.StartAsync(TestHandler.Echo, o => o with { ConnectionLimits = limits });
        using TestClient first = await server.ConnectAsync();
        using TestClient second = await server.ConnectAsync();
        await Eventually.TrueAsync(() => server.Server.ConnectionCount == 2, "two accepted");

        for (int i = 0; i < 5; i++)
        {
            using TestClient refused = await server.ConnectAsync();
            Assert.True(await refused.IsClosedByServerAsync());
        }

        Assert.Equal(1, server.Log.Count("Refused a connection"));
        Assert.Equal(1, server.Log.Count("max.connections.per.ip"));
        second.Dispose();
        await Eventually.TrueAsync(() => server.Server.ConnectionCount == 1, "one left");
        using TestClient third = await server.ConnectAsync();
        await third.SendAsync(TestClient.Frame(3));
        Assert.Equal(3, await third.ReceiveNumberAsync());

        server.Server.UpdateConnectionLimits(limits with { MaxConnections = 2, MaxConnectionsPerIpOverrides = new Dictionary<string, int>() });
        using TestClient beyondTotal = await server.ConnectAsync();
        Assert.True(await beyondTotal.IsClosedByServerAsync());
        await first.SendAsync(TestClient.Frame(1));
        Assert.Equal(1, await first.ReceiveNumberAsync());
    }

    [Fact]
    public async Task A_graceful_stop_answers_what_was_taken_and_takes_nothing_new()
    {
        int started = 0;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new TestHandler(async (_, frame) =>
        {
            Interlocked.Increment(ref started);
            await gate.Task;
            return FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span));
        });
        await using TestServer server = await TestServer.StartAsync(handler, o => o with { MaxInFlightRequests = 2 });
        using TestClient client = await server.ConnectAsync();
        using TestClient idle = await server.ConnectAsync();
        await client.SendAsync(Enumerable.Range(1, 10).SelectMany(TestClient.Frame).ToArray());
        await Eventually.TrueAsync(() => Volatile.Read(ref started) == 2 && server.Server.ConnectionCount == 2, "two requests in work");
        int port = server.EndPoint.Port;

        Task stopping = server.Server.StopAsync(TestClient.Patience);
        Assert.Null(await idle.ReceiveAsync());
        Assert.False(stopping.IsCompleted);
        await Assert.ThrowsAnyAsync<SocketException>(() => TestClient.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port)));
        gate.SetResult();

        Assert.Equal(1, await client.ReceiveNumberAsync());
        Assert.Equal(2, await client.ReceiveNumberAsync());
        Assert.Null(await client.ReceiveNumberAsync());
        await stopping.WaitAsync(TestClient.Patience);
        Assert.Equal(2, started);
        Assert.Equal(2, handler.Closed.Count);
        Assert.Equal(0, server.Server.ConnectionCount);
    }

    [Fact]
    public async Task After_the_grace_what_is_left_is_aborted()
    {
        var time = new FakeTimeProvider();
        var never = new TaskCompletionSource<FrameAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        int started = 0;
        var handler = new TestHandler((_, _) =>
        {
            Interlocked.Increment(ref started);
            return new(never.Task);
        });
        await using TestServer server = await TestServer.StartAsync(handler, time: time);
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(TestClient.Frame(1));
        await Eventually.TrueAsync(() => Volatile.Read(ref started) == 1, "the request is in work");

        Task stopping = server.Server.StopAsync(TimeSpan.FromSeconds(30));
        while (!stopping.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            await Task.Delay(5);
        }

        await stopping;
        Assert.True(await client.IsClosedByServerAsync());
        Assert.Single(handler.Closed);
        never.SetResult(FrameAnswer.None);
    }

    [Fact]
    public async Task Clients_may_leave_while_the_server_stops()
    {
        for (int round = 0; round < 100; round++)
        {
            TestServer server = await TestServer.StartAsync(TestHandler.Echo);
            var clients = new List<TestClient>();
            for (int i = 0; i < 8; i++)
            {
                clients.Add(await server.ConnectAsync());
            }

            Task leaving = Task.Run(() => clients.ForEach(c => c.Dispose()));
            await server.DisposeAsync();
            await leaving;
            Assert.Equal(0, server.Server.ConnectionCount);
        }
    }

    [Fact]
    public async Task Counters_add_up()
    {
        await using TestServer server = await TestServer.StartAsync(TestHandler.Echo);
        var sums = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == "Broker.Network")
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => sums[instrument.Name] = value);
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => sums[instrument.Name] = value);
        listener.Start();
        using (TestClient ended = await server.ConnectAsync())
        {
            await ended.SendAsync(TestClient.Frame(1));
            await ended.ReceiveAsync();
        }

        await Eventually.TrueAsync(() => server.Server.ConnectionCount == 0, "the first connection ended");
        using TestClient open = await server.ConnectAsync();
        await open.SendAsync(TestClient.Frame(2));
        await open.ReceiveAsync();

        listener.RecordObservableInstruments();

        Assert.Equal(1, sums["broker.network.connections"]);
        Assert.Equal(2, sums["broker.network.connections.accepted"]);
        Assert.Equal(16, sums["broker.network.received"]);
        Assert.Equal(16, sums["broker.network.sent"]);
        Assert.Equal(2, sums["broker.network.requests"]);
    }

    private static NetworkOptions Listeners(params ListenerOptions[] listeners) => new() { Listeners = listeners };
}
