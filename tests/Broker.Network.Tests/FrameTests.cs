using System.Buffers.Binary;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Broker.Network.Tests;

public sealed class FrameTests : IAsyncLifetime
{
    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Eventually.BuffersReturnedAsync();

    [Fact]
    public async Task A_frame_is_answered()
    {
        await using TestServer server = await TestServer.StartAsync(TestHandler.EchoHandler());
        using TestClient client = await server.ConnectAsync();

        await client.SendAsync(TestClient.Frame("hello"u8));

        Assert.Equal("hello"u8.ToArray(), await client.ReceiveAsync());
    }

    [Fact]
    public async Task An_empty_frame_reaches_the_handler()
    {
        await using TestServer server = await TestServer.StartAsync(TestHandler.EchoHandler());
        using TestClient client = await server.ConnectAsync();

        await client.SendAsync(TestClient.Frame([]));

        Assert.Empty((await client.ReceiveAsync())!);
    }

    [Fact]
    public async Task A_frame_may_arrive_byte_by_byte()
    {
        await using TestServer server = await TestServer.StartAsync(TestHandler.EchoHandler());
        using TestClient client = await server.ConnectAsync();

        foreach (byte b in TestClient.Frame("slow"u8).Concat(TestClient.Frame("next"u8)).ToArray())
        {
            await client.SendAsync(new[] { b });
        }

        Assert.Equal("slow"u8.ToArray(), await client.ReceiveAsync());
        Assert.Equal("next"u8.ToArray(), await client.ReceiveAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Frames_of_any_size_cut_anywhere_come_back_whole(int seed)
    {
        var random = new Random(seed);
        await using TestServer server = await TestServer.StartAsync(TestHandler.EchoHandler());
        using TestClient client = await server.ConnectAsync();
        int[] interesting = [0, 1, 4092, 4093, 16380, 20480, 65536, 69632, 262144, 1048576, 1114112, 3_000_000];
        byte[][] bodies = [.. Enumerable.Range(0, 60).Select(i => new byte[i % 5 == 0 ? interesting[random.Next(interesting.Length)] : random.Next(3000)])];
        Array.ForEach(bodies, random.NextBytes);
        byte[] stream = [.. bodies.SelectMany(b => TestClient.Frame(b))];

        Task sending = Task.Run(async () =>
        {
            for (int at = 0; at < stream.Length;)
            {
                int bytes = Math.Min(stream.Length - at, random.Next(4) == 0 ? random.Next(1, 10) : random.Next(1, 200_000));
                await client.SendAsync(stream.AsMemory(at, bytes));
                at += bytes;
            }
        });
        for (int i = 0; i < bodies.Length; i++)
        {
            byte[]? answer = await client.ReceiveAsync();
            Assert.True(bodies[i].AsSpan().SequenceEqual(answer), $"seed {seed}: answer {i} of {bodies[i].Length} bytes differs");
        }

        await sending;
    }

    [Fact]
    public async Task A_handler_gets_writable_memory_that_is_its_own_until_the_task_ends()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var frames = new List<Memory<byte>>();
        var handler = new TestHandler(async (_, frame) =>
        {
            frame.Span[0] ^= 0xFF;
            lock (frames)
            {
                frames.Add(frame);
            }

            await release.Task;
            return FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span));
        });
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient client = await server.ConnectAsync();
        byte[][] bodies = [.. Enumerable.Range(1, 40).Select(i => Enumerable.Repeat((byte)i, i * 700).ToArray())];

        foreach (byte[] body in bodies)
        {
            await client.SendAsync(TestClient.Frame(body));
        }

        await Eventually.TrueAsync(() => { lock (frames) { return frames.Count == bodies.Length; } }, "all frames handed over");
        release.SetResult();

        foreach (byte[] body in bodies)
        {
            byte[] expected = [(byte)(body[0] ^ 0xFF), .. body[1..]];
            Assert.Equal(expected, await client.ReceiveAsync());
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(1001)]
    [InlineData(int.MaxValue)]
    public async Task A_length_out_of_bounds_closes_the_connection_and_is_logged(int length)
    {
        await using TestServer server = await TestServer.StartAsync(TestHandler.EchoHandler(), o => o with { MaxRequestBytes = 1000 });
        using TestClient client = await server.ConnectAsync();
        byte[] prefix = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(prefix, length);

        await client.SendAsync(TestClient.Frame(new byte[1000]));
        await client.SendAsync(prefix);

        Assert.Equal(1000, (await client.ReceiveAsync())?.Length);
        Assert.True(await client.IsClosedByServerAsync());
        (LogLevel level, string text) = Assert.Single(server.Log.Lines, l => l.Text.Contains("request length", StringComparison.Ordinal));
        Assert.Equal(LogLevel.Warning, level);
        Assert.Contains($"{length} bytes", text, StringComparison.Ordinal);
        Assert.Contains("1000 (socket.request.max.bytes)", text, StringComparison.Ordinal);
        Assert.Contains(client.Socket.LocalEndPoint!.ToString()!.Replace("[::ffff:127.0.0.1]", "127.0.0.1", StringComparison.Ordinal), text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_claimed_length_costs_nothing_until_bytes_come()
    {
        await using TestServer server = await TestServer.StartAsync(TestHandler.EchoHandler());
        using TestClient client = await server.ConnectAsync();
        byte[] start = new byte[5000];
        BinaryPrimitives.WriteInt32BigEndian(start, 100 * 1024 * 1024);

        await client.SendAsync(start.AsMemory(0, 4));
        await Eventually.TrueAsync(() => BufferPool.RentedBytes > 0, "the prefix arrived");
        Assert.Equal(BufferPool.PageBytes, BufferPool.RentedBytes);

        await client.SendAsync(start.AsMemory(4));
        await Eventually.TrueAsync(() => BufferPool.RentedBytes > BufferPool.PageBytes, "more than a page arrived");
        Assert.InRange(BufferPool.RentedBytes, 5000, 24 * 1024);
    }

    [Fact]
    public async Task A_hundred_mebibytes_pass_when_they_really_come()
    {
        const int Bytes = 100 * 1024 * 1024;
        var handler = new TestHandler((_, frame) => new(FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span[^8..]))));
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient client = await server.ConnectAsync();
        byte[] body = new byte[Bytes];
        "the tail"u8.CopyTo(body.AsSpan(Bytes - 8));

        await client.SendAsync(TestClient.Frame(body));

        Assert.Equal("the tail"u8.ToArray(), await client.ReceiveAsync());
    }

    [Fact]
    public async Task A_handler_that_throws_costs_its_own_connection_only()
    {
        var handler = new TestHandler((_, frame) => frame.Span[0] switch
        {
            (byte)'!' => throw new InvalidOperationException("thrown"),
            (byte)'?' => ValueTask.FromException<FrameAnswer>(new InvalidOperationException("faulted")),
            _ => new(FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span))),
        });
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient innocent = await server.ConnectAsync();

        foreach (string body in (string[])["!", "?"])
        {
            using TestClient culprit = await server.ConnectAsync();
            await culprit.SendAsync(TestClient.Frame(System.Text.Encoding.ASCII.GetBytes(body)));
            Assert.True(await culprit.IsClosedByServerAsync());
        }

        await innocent.SendAsync(TestClient.Frame("fine"u8));
        Assert.Equal("fine"u8.ToArray(), await innocent.ReceiveAsync());
        await Eventually.TrueAsync(
            () => server.Log.Lines.Count(l => l.Level == LogLevel.Error && l.Text.Contains("127.0.0.1", StringComparison.Ordinal)) == 2, "both failures were logged");
    }

    [Fact]
    public async Task A_client_that_resets_in_the_middle_leaves_nothing_behind()
    {
        TestHandler handler = TestHandler.EchoHandler();
        await using TestServer server = await TestServer.StartAsync(handler);
        for (int i = 0; i < 20; i++)
        {
            TestClient client = await server.ConnectAsync();
            await client.SendAsync(TestClient.Frame(new byte[100_000]).AsMemory(0, (i * 4999) + 1));
            client.Reset();
        }

        await Eventually.TrueAsync(() => server.Server.ConnectionCount == 0 && handler.Closed.Count == 20, "all connections gone");
        Assert.DoesNotContain(server.Log.Lines, l => l.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task An_idle_connection_holds_no_buffer()
    {
        await using TestServer server = await TestServer.StartAsync(TestHandler.EchoHandler());
        using TestClient client = await server.ConnectAsync();
        foreach (int bytes in (int[])[10, 100_000, 2_000_000, 10])
        {
            await client.SendAsync(TestClient.Frame(new byte[bytes]));
            Assert.Equal(bytes, (await client.ReceiveAsync())?.Length);
            await Eventually.BuffersReturnedAsync();
        }
    }

    [Fact]
    public async Task The_peer_may_stop_sending_and_still_gets_answers_that_are_ready()
    {
        await using TestServer server = await TestServer.StartAsync(TestHandler.EchoHandler());
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(TestClient.Frame("last"u8));
        client.Socket.Shutdown(SocketShutdown.Send);

        Assert.Equal("last"u8.ToArray(), await client.ReceiveAsync());
        Assert.Null(await client.ReceiveAsync());
    }
}
