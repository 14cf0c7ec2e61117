using System.Buffers.Binary;
using System.Security.Cryptography;
using Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Broker.Network.Tests;

public sealed class FileAttachmentTests : IAsyncLifetime, IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), "network-" + Guid.NewGuid().ToString("N"));

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Eventually.BuffersReturnedAsync();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(1000)]
    [InlineData(300_000)]
    [InlineData(20_000_000)]
    public async Task File_ranges_are_woven_into_the_response(int rangeBytes)
    {
        byte[] content = RandomNumberGenerator.GetBytes(rangeBytes + 100);
        await File.WriteAllBytesAsync(_path, content);
        using SafeFileHandle file = File.OpenHandle(_path);
        var handler = new TestHandler((_, _) => new(FrameAnswer.Respond(Weave(
            ["head"u8.ToArray(), new byte[10_000], "tail"u8.ToArray()], [new FileSlice(file, 7, rangeBytes), new FileSlice(file, 0, 5)]))));
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient client = await server.ConnectAsync();
        byte[] expected = [.. "head"u8.ToArray(), .. content[7..(7 + rangeBytes)], .. new byte[10_000], .. content[..5], .. "tail"u8.ToArray()];

        for (int i = 0; i < 3; i++)
        {
            await client.SendAsync(TestClient.Frame(i));
            Assert.Equal(expected, await client.ReceiveAsync());
        }
    }

    [Fact]
    public async Task A_slow_reader_gets_every_byte_of_a_range_larger_than_the_socket_buffers()
    {
        byte[] content = RandomNumberGenerator.GetBytes(5_000_000);
        await File.WriteAllBytesAsync(_path, content);
        using SafeFileHandle file = File.OpenHandle(_path);
        var handler = new TestHandler((_, frame) => new(frame.Span[3] == 0
            ? FrameAnswer.Respond(Weave(["<"u8.ToArray(), ">"u8.ToArray()], [new FileSlice(file, 0, content.Length)]))
            : FrameAnswer.Respond(TestHandler.EchoFrame(frame.Span))));
        await using TestServer server = await TestServer.StartAsync(handler, o => o with { SendBufferBytes = 32 * 1024 });
        using TestClient client = await server.ConnectAsync(receiveBufferBytes: 16 * 1024);
        await client.SendAsync(TestClient.Frame(0));
        await client.SendAsync(TestClient.Frame(1));

        byte[] received = new byte[4 + 2 + content.Length];
        int count = 0;
        var random = new Random(5);
        while (count < received.Length)
        {
            int bytes = Math.Min(received.Length - count, random.Next(1, 30_000));
            int got = await client.Socket.ReceiveAsync(received.AsMemory(count, bytes));
            Assert.NotEqual(0, got);
            count += got;
            if (random.Next(8) == 0)
            {
                await Task.Yield();
            }
        }

        Assert.Equal([(byte)'<', .. content, (byte)'>'], received[4..]);
        Assert.Equal(1, await client.ReceiveNumberAsync());
    }

    [Fact]
    public async Task A_handle_disposed_by_its_owner_stays_open_until_the_response_is_sent()
    {
        byte[] content = RandomNumberGenerator.GetBytes(1_000_000);
        await File.WriteAllBytesAsync(_path, content);
        SafeFileHandle file = File.OpenHandle(_path);
        var handler = new TestHandler(async (_, _) =>
        {
            OutboundFrame frame = Weave([[], []], [new FileSlice(file, 0, content.Length)]);
            file.Dispose();
            await Task.Yield();
            return FrameAnswer.Respond(frame);
        });
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(TestClient.Frame(1));

        Assert.Equal(content, await client.ReceiveAsync());
    }

    [Fact]
    public async Task A_file_that_became_shorter_closes_the_connection_and_is_logged()
    {
        await File.WriteAllBytesAsync(_path, new byte[50_000]);
        using SafeFileHandle file = File.OpenHandle(_path);
        var handler = new TestHandler((_, _) => new(FrameAnswer.Respond(Weave([[], "end"u8.ToArray()], [new FileSlice(file, 0, 60_000)]))));
        await using TestServer server = await TestServer.StartAsync(handler);
        using TestClient client = await server.ConnectAsync();
        await client.SendAsync(TestClient.Frame(1));

        byte[] received = new byte[100_000];
        int count = 0;
        try
        {
            for (int got = 1; got > 0; count += got)
            {
                got = await client.Socket.ReceiveAsync(received.AsMemory(count));
            }
        }
        catch (System.Net.Sockets.SocketException)
        {
            // A reset is as good an end as any.
        }

        Assert.InRange(count, 0, 50_004);
        await Eventually.TrueAsync(() => server.Log.Count("no longer has the bytes") == 1, "the short file was logged");
    }

    [Fact]
    public void An_attachment_outside_the_frame_is_refused()
    {
        File.WriteAllBytes(_path, new byte[10]);
        using SafeFileHandle file = File.OpenHandle(_path);
        using OutboundFrame frame = OutboundFrame.Rent(10);

        Assert.Throws<ArgumentException>(() => frame.Attach([new FileAttachment(11, new FileSlice(file, 0, 1))]));
        Assert.Throws<ArgumentException>(() => frame.Attach([new FileAttachment(5, new FileSlice(file, 0, 1)), new FileAttachment(4, new FileSlice(file, 0, 1))]));
    }

    /// <summary>A length prefix, then buffer parts and file ranges in turn.</summary>
    private static OutboundFrame Weave(byte[][] parts, FileSlice[] slices)
    {
        int bufferBytes = 4 + parts.Sum(p => p.Length);
        OutboundFrame frame = OutboundFrame.Rent(bufferBytes);
        BinaryPrimitives.WriteInt32BigEndian(frame.Memory.Span, bufferBytes - 4 + slices.Sum(s => s.Length));
        var attachments = new List<FileAttachment>();
        int at = 4;
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i].CopyTo(frame.Memory.Span[at..]);
            at += parts[i].Length;
            if (i < slices.Length)
            {
                attachments.Add(new FileAttachment(at, slices[i]));
            }
        }

        frame.Attach(attachments);
        return frame;
    }
}
