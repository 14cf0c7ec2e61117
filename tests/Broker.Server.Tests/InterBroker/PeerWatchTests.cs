using System.Net;
using System.Net.Sockets;
using Broker.Cluster;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Server.Tests;

/// <summary>Real sockets of this machine.</summary>
public sealed class PeerWatchTests : IAsyncLifetime
{
    private const string Name = "INTERNAL";
    private static readonly PeerOptions Options = new() { Listener = Name, ClientId = "1", ControlTimeout = TimeSpan.FromSeconds(30), MaxFrameBytes = 1000 };

    private readonly SemaphoreSlim _changes = new(0);
    private readonly PeerWatch _watch = new(Options, TimeProvider.System, NullLogger<PeerWatch>.Instance);

    public Task InitializeAsync()
    {
        _watch.Changed += () => _changes.Release();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _watch.DisposeAsync();
        _changes.Dispose();
    }

    [Fact]
    public async Task A_broker_whose_sockets_are_closed_refuses_until_there_is_a_listener_again()
    {
        using var first = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        int port = ((IPEndPoint)first.LocalEndpoint).Port;
        BrokerImage broker = At("localhost", port);
        _watch.Watch([broker]);
        using (Socket connection = await first.AcceptSocketAsync())
        {
            Assert.False(_watch.Refuses(broker));
            first.Stop();
        }

        Assert.True(await _changes.WaitAsync(Wait.Patience));
        Assert.True(_watch.Refuses(broker));
        Assert.False(_watch.Refuses(broker with { Epoch = 6 }));
        Assert.Equal([broker.Id], _watch.Suspects());

        using var second = new TcpListener(IPAddress.Loopback, port);
        second.Start();
        Assert.True(await _changes.WaitAsync(Wait.Patience));
        Assert.False(_watch.Refuses(broker));
        using Socket lasting = await second.AcceptSocketAsync();

        // A connection that lasts clears it.
        Assert.Empty(await Wait.UntilAsync(() => Task.FromResult(_watch.Suspects()), suspects => suspects.Count == 0));
    }

    [Fact]
    public async Task A_connection_that_is_closed_while_the_listener_stays_is_made_anew()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        BrokerImage broker = At(listener);
        _watch.Watch([broker]);
        for (int i = 0; i < 3; i++)
        {
            using Socket connection = await listener.AcceptSocketAsync().WaitAsync(Wait.Patience);
        }

        Assert.False(_watch.Refuses(broker));
        Assert.Equal(0, _changes.CurrentCount);
    }

    [Fact]
    public async Task Who_is_not_watched_any_more_is_let_go_and_not_judged()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        BrokerImage broker = At(listener);
        _watch.Watch([broker]);
        using Socket connection = await listener.AcceptSocketAsync();
        _watch.Watch([]);
        Assert.Equal(0, await connection.ReceiveAsync(new byte[1], SocketFlags.None).WaitAsync(Wait.Patience));
        Assert.False(_watch.Refuses(broker));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_sign_of_life_is_waited_for_or_the_end_of_the_connection(bool lives)
    {
        // Time does not pass: nothing else can end the wait.
        await using var watch = new PeerWatch(Options, new FakeTimeProvider(), NullLogger<PeerWatch>.Instance);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        BrokerImage broker = At(listener);
        watch.Watch([broker]);
        using Socket connection = await listener.AcceptSocketAsync().WaitAsync(Wait.Patience);
        Task heard = await AskedAsync(watch, broker);
        byte[] question = new byte[14];
        await connection.ReceiveAsync(question, SocketFlags.None).WaitAsync(Wait.Patience);
        Assert.Equal([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 0, 0, 0], question);
        Assert.False(heard.IsCompleted);
        Assert.False(watch.HearAsync([broker.Id]).IsCompleted);
        Assert.True(watch.HearAsync([broker.Id + 1]).IsCompleted);
        if (lives)
        {
            await connection.SendAsync(new byte[] { 0, 0, 0, 0 }, SocketFlags.None);
        }
        else
        {
            connection.Close();
        }

        await heard.WaitAsync(Wait.Patience);
        Assert.Equal(lives ? [] : [broker.Id], watch.Suspects());
    }

    [Fact]
    public async Task Who_is_silent_is_waited_for_once()
    {
        var time = new FakeTimeProvider();
        await using var watch = new PeerWatch(Options, time, NullLogger<PeerWatch>.Instance);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        BrokerImage broker = At(listener);
        watch.Watch([broker]);
        using Socket connection = await listener.AcceptSocketAsync().WaitAsync(Wait.Patience);
        Task heard = await AskedAsync(watch, broker);
        time.Advance(PeerLifeline.LongestSilence);
        await heard.WaitAsync(Wait.Patience);
        Assert.True(watch.HearAsync([broker.Id]).IsCompleted);
        Assert.Empty(watch.Suspects());

        // Its answer comes late, and it is asked again.
        await connection.SendAsync(new byte[] { 0, 0, 0, 0 }, SocketFlags.None);
        await AskedAsync(watch, broker);
    }

    /// <summary>The wait for its answer. The watch may not have noticed yet that it is connected, or was answered.</summary>
    private static async Task<Task> AskedAsync(PeerWatch watch, BrokerImage broker)
    {
        Task heard = Task.CompletedTask;
        await Wait.UntilAsync(() => Task.FromResult(heard = watch.HearAsync([broker.Id]).AsTask()), answer => !answer.IsCompleted);
        return heard;
    }

    private static BrokerImage At(TcpListener listener)
    {
        listener.Start();
        return At("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);
    }

    private static BrokerImage At(string host, int port) => new(2, 5, null, new Dictionary<string, EndpointImage> { [Name] = new(host, port, "PLAINTEXT") });
}
