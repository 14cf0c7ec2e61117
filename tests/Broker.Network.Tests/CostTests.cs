using System.Net.Sockets;

namespace Broker.Network.Tests;

/// <summary>What connections and requests cost. Bounds are several times what is measured: they catch a change of order, not of percent.</summary>
public sealed class CostTests : IAsyncLifetime
{
#if DEBUG
    // Without optimisation the compiler makes an object of every async method's state.
    private const int MaxBytesPerRequest = 1000;
#else
    private const int MaxBytesPerRequest = 20;
#endif

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Eventually.BuffersReturnedAsync();

    [Fact]
    public async Task Thousands_of_half_open_connections_cost_little()
    {
        const int Connections = 2000;
        await using TestServer server = await TestServer.StartAsync(TestHandler.EchoHandler());
        using (TestClient warm = await server.ConnectAsync())
        {
            await warm.SendAsync(TestClient.Frame(1));
            await warm.ReceiveAsync();
        }

        var clients = new List<TestClient>();
        try
        {
            long before = GC.GetTotalMemory(forceFullCollection: true);
            for (int i = 0; i < Connections; i++)
            {
                TestClient client = await server.ConnectAsync();
                clients.Add(client);
                await client.SendAsync(new byte[] { 0, 1, 0 });
            }

            await Eventually.TrueAsync(() => BufferPool.RentedBytes == (long)Connections * BufferPool.PageBytes, "every connection holds the page of its three bytes");
            long each = (GC.GetTotalMemory(forceFullCollection: true) - before + BufferPool.RentedBytes) / Connections;

            // The client's own socket is part of the sum.
            Assert.InRange(each, 0, 20_000);
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public async Task A_request_answered_at_once_allocates_nothing()
    {
        const int Requests = 20_000;
        await using TestServer server = await TestServer.StartAsync(TestHandler.EchoHandler());
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        client.Connect(server.EndPoint);
        await ExchangeAsync(client, 2000);

        long before = GC.GetTotalAllocatedBytes(precise: true);
        await ExchangeAsync(client, Requests);
        long perRequest = (GC.GetTotalAllocatedBytes(precise: true) - before) / Requests;

        Assert.InRange(perRequest, 0, MaxBytesPerRequest);
    }

    /// <summary>On a thread of its own with blocking calls on a socket never used otherwise: they allocate nothing that would be counted as the server's.</summary>
    private static Task ExchangeAsync(Socket socket, int requests) => Task.Factory.StartNew(
        () =>
        {
            byte[] request = TestClient.Frame(new byte[64]);
            byte[] answer = new byte[request.Length];
            for (int i = 0; i < requests; i++)
            {
                socket.Send(request);
                for (int got = 0; got < answer.Length;)
                {
                    int count = socket.Receive(answer, got, answer.Length - got, SocketFlags.None);
                    got += count > 0 ? count : throw new EndOfStreamException();
                }
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);
}
