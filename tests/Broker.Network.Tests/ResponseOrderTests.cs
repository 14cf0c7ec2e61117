using System.Buffers.Binary;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Network.Tests;

public sealed class ResponseOrderTests : IAsyncLifetime
{
    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Eventually.BuffersReturnedAsync();

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    public async Task Answers_leave_in_request_order_whatever_finishes_first(int seed)
    {
        const int Requests = 3000;
        var waiting = new List<TaskCompletionSource>();
        var chance = new Random(seed);
        var handler = new TestHandler(async (_, frame) =>
        {
            int number = BinaryPrimitives.ReadInt32BigEndian(frame.Span);
            int fate;
            TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (waiting)
            {
                fate = chance.Next(4);
                if (fate is 0 or 1)
                {
                    waiting.Add(gate);
                }
            }

            if (fate is 0 or 1)
            {
                await gate.Task;
            }
            else if (fate == 2)
            {
                await Task.Yield();
            }

            // The frame is still ours after the wait. Every seventh request has no answer, every fifth a large one.
            Assert.Equal(number, BinaryPrimitives.ReadInt32BigEndian(frame.Span));
            return number % 7 == 0 ? FrameAnswer.None : FrameAnswer.Respond(TestHandler.EchoFrame(number % 5 == 0 ? [.. frame.Span, .. new byte[20_000]] : frame.Span));
        });
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient client = await server.ConnectAsync();
        using var stop = new CancellationTokenSource();
        Task releasing = Task.Run(async () =>
        {
            var order = new Random(seed);
            while (!stop.IsCancellationRequested)
            {
                TaskCompletionSource? next = null;
                lock (waiting)
                {
                    if (waiting.Count > 0)
                    {
                        int i = order.Next(waiting.Count);
                        next = waiting[i];
                        waiting.RemoveAt(i);
                    }
                }

                next?.SetResult();
                if (next is null)
                {
                    await Task.Yield();
                }
            }
        });

        Task sending = Task.Run(async () =>
        {
            for (int i = 1; i <= Requests; i++)
            {
                await client.SendAsync(TestClient.Frame(i));
            }
        });
        for (int i = 1; i <= Requests; i++)
        {
            if (i % 7 != 0)
            {
                Assert.True(await client.ReceiveNumberAsync() == i, $"seed {seed}: answer to request {i} is missing or out of order");
            }
        }

        await sending;
        await stop.CancelAsync();
        await releasing;
    }

    [Fact]
    public async Task Requests_of_one_connection_are_in_work_together_up_to_the_bound()
    {
        int started = 0;
        var gates = new SemaphoreSlim(0);
        var handler = new TestHandler(async (_, frame) =>
        {
            Interlocked.Increment(ref started);
            await gates.WaitAsync();
            return FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span));
        });
        await using TestServer server = await TestServer.StartAsync(handler, o => o with { MaxInFlightRequests = 5 });
        using TestClient client = await server.ConnectAsync();
        for (int i = 0; i < 20; i++)
        {
            await client.SendAsync(TestClient.Frame(i));
        }

        await Eventually.TrueAsync(() => Volatile.Read(ref started) == 5, "five requests started");
        for (int i = 0; i < 20; i++)
        {
            Assert.InRange(Volatile.Read(ref started), 0, 5 + i);
            gates.Release();
            Assert.Equal(i, await client.ReceiveNumberAsync());
        }

        Assert.Equal(20, started);
    }

    [Fact]
    public async Task Bytes_in_work_are_bounded_and_the_peer_is_not_read_beyond()
    {
        const int FrameBytes = 64 * 1024;
        const int Bound = 4 * FrameBytes;
        int started = 0;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new TestHandler(async (_, frame) =>
        {
            Interlocked.Increment(ref started);
            await gate.Task;
            return FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span[..4]));
        });
        await using TestServer server = await TestServer.StartAsync(handler, o => o with { MaxPendingBytes = Bound });
        using TestClient client = await server.ConnectAsync();
        byte[] frame = TestClient.Frame(new byte[FrameBytes]);
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < 300; i++)
            {
                await client.SendAsync(frame);
            }
        });

        await Eventually.TrueAsync(() => Volatile.Read(ref started) == 4, "the bound is reached");
        Assert.InRange(BufferPool.RentedBytes, Bound, 8 * Bound);
        Assert.Equal(4, started);
        gate.SetResult();

        for (int i = 0; i < 300; i++)
        {
            Assert.Equal(4, (await client.ReceiveAsync())?.Length);
        }

        await sending;
        Assert.Equal(300, started);
    }

    [Fact]
    public async Task A_reader_that_does_not_read_stops_being_served_and_holds_little()
    {
        int handled = 0;
        byte[] answer = new byte[50_000];
        var handler = new TestHandler((_, _) =>
        {
            Interlocked.Increment(ref handled);
            return new(FrameAnswer.Respond(TestHandler.EchoFrame(answer)));
        });
        await using TestServer server = await TestServer.StartAsync(handler, o => o with { SendBufferBytes = 64 * 1024 });
        using TestClient client = await server.ConnectAsync(receiveBufferBytes: 16 * 1024);
        byte[] requests = [.. Enumerable.Range(0, 1000).SelectMany(TestClient.Frame)];
        await client.SendAsync(requests);

        int before;
        do
        {
            before = Volatile.Read(ref handled);
            await Task.Delay(100);
        }
        while (before != Volatile.Read(ref handled));

        Assert.InRange(BufferPool.RentedBytes, 1, 256 * 1024);
        Assert.InRange(handled, 1, 999);
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(answer.Length, (await client.ReceiveAsync())?.Length);
        }
    }

    [Fact]
    public async Task Small_answers_that_are_ready_together_leave_in_one_send()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int started = 0;
        var handler = new TestHandler(async (_, frame) =>
        {
            if (Interlocked.Increment(ref started) == 1)
            {
                await gate.Task;
            }

            return FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span));
        });
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient client = await server.ConnectAsync();
        for (int i = 0; i < 50; i++)
        {
            await client.SendAsync(TestClient.Frame(i));
        }

        await Eventually.TrueAsync(() => Volatile.Read(ref started) == 50, "all requests handled");
        gate.SetResult();

        // One send arrives as one piece: the first receive has all fifty answers.
        byte[] received = new byte[4096];
        Assert.Equal(50 * 8, await client.Socket.ReceiveAsync(received));
    }

    [Fact]
    public async Task Close_lets_earlier_answers_out_and_drops_later_requests()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int started = 0;
        var handler = new TestHandler(async (_, frame) =>
        {
            int number = BinaryPrimitives.ReadInt32BigEndian(frame.Span);
            Interlocked.Increment(ref started);
            if (number == 0)
            {
                await gate.Task;
            }

            return number == 2 ? FrameAnswer.Close : FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span));
        });
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(Enumerable.Range(0, 10).SelectMany(TestClient.Frame).ToArray());
        await Eventually.TrueAsync(() => Volatile.Read(ref started) == 3, "the request that closes was handled");
        gate.SetResult();

        Assert.Equal(0, await client.ReceiveNumberAsync());
        Assert.Equal(1, await client.ReceiveNumberAsync());
        Assert.Null(await client.ReceiveNumberAsync());
        Assert.Equal(3, started);
    }

    [Fact]
    public async Task Close_on_the_synchronous_path_lets_earlier_answers_out()
    {
        var handler = new TestHandler((_, frame) => new(frame.Span[3] == 2 ? FrameAnswer.Close : FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span))));
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient client = await server.ConnectAsync();

        await client.SendAsync(Enumerable.Range(0, 10).SelectMany(TestClient.Frame).ToArray());

        Assert.Equal(0, await client.ReceiveNumberAsync());
        Assert.Equal(1, await client.ReceiveNumberAsync());
        Assert.Null(await client.ReceiveNumberAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_throttled_connection_is_answered_first_and_muted_afterwards(bool pending)
    {
        var time = new FakeTimeProvider();
        int started = 0;
        var handler = new TestHandler(async (_, frame) =>
        {
            Interlocked.Increment(ref started);
            byte[] body = frame.ToArray();
            if (pending)
            {
                await Task.Yield();
            }

            return FrameAnswer.Respond(TestHandler.EchoFrame(body), throttleMs: body[3] == 1 ? 5000 : 0);
        });
        await using TestServer server = await TestServer.StartAsync(handler, time: time);
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(TestClient.Frame(1));
        Assert.Equal(1, await client.ReceiveNumberAsync());

        await client.SendAsync(TestClient.Frame(2));
        time.Advance(TimeSpan.FromMilliseconds(4999));
        using TestClient other = await server.ConnectAsync();
        await other.SendAsync(TestClient.Frame(3));
        Assert.Equal(3, await other.ReceiveNumberAsync());
        Assert.Equal(2, started);

        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(2, await client.ReceiveNumberAsync());
    }

    [Fact]
    public async Task Answers_of_a_connection_that_died_are_dropped_with_their_buffers()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int started = 0;
        var handler = new TestHandler(async (_, frame) =>
        {
            Interlocked.Increment(ref started);
            await gate.Task;
            return FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span));
        });
        await using TestServer server = await TestServer.StartAsync(handler);
        TestClient client = await server.ConnectAsync();
        for (int i = 0; i < 10; i++)
        {
            await client.SendAsync(TestClient.Frame(new byte[10_000]));
        }

        await Eventually.TrueAsync(() => Volatile.Read(ref started) == 10, "all requests started");
        client.Reset();
        await Eventually.TrueAsync(() => server.Server.ConnectionCount == 0, "the connection ended");
        Assert.Single(handler.Closed);
        Assert.True(BufferPool.RentedBytes > 0);
        gate.SetResult();
    }

    [Fact]
    public async Task The_handler_can_close_a_connection_from_anywhere()
    {
        ClientConnection? seen = null;
        var never = new TaskCompletionSource<FrameAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new TestHandler((connection, _) =>
        {
            Volatile.Write(ref seen, connection);
            return new(never.Task);
        });
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(TestClient.Frame(1));
        await Eventually.TrueAsync(() => Volatile.Read(ref seen) is not null, "the request arrived");

        seen!.Close("the session has expired");

        Assert.True(await client.IsClosedByServerAsync());
        Assert.Equal(1, server.Log.Count("the session has expired"));
        Assert.Equal("/127.0.0.1", seen.ClientHost);
        Assert.Equal("TEST", seen.ListenerName);
        never.SetResult(FrameAnswer.None);
    }
}
