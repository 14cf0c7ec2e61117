using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Broker.ZooKeeper.Tests;

/// <summary>A peer that does what a test says, connection after connection; the last script also plays for every later one.</summary>
internal sealed class FakeServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _plays = [];
    private readonly Task _accepting;

    public FakeServer(params Func<FakeConnection, Task>[] scripts)
    {
        _listener.Start();
        _accepting = AcceptAsync(scripts);
    }

    public ZooKeeperClientOptions Options => new(ZooKeeperConnectString.Parse($"{_listener.LocalEndpoint}"));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_plays);
    }

    private async Task AcceptAsync(Func<FakeConnection, Task>[] scripts)
    {
        for (int i = 0; !_stop.IsCancellationRequested; i++)
        {
            try
            {
                Socket socket = await _listener.AcceptSocketAsync(_stop.Token);
                _plays.Add(PlayAsync(socket, scripts[Math.Min(i, scripts.Length - 1)]));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task PlayAsync(Socket socket, Func<FakeConnection, Task> script)
    {
        using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            await script(new FakeConnection(stream, _stop.Token));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client went away, as scripts of broken servers make it do.
            return;
        }
    }
}

/// <summary>The server's end of one connection.</summary>
internal sealed class FakeConnection(NetworkStream stream, CancellationToken stop)
{
    public const long SessionId = 0x77;

    public Task SilenceAsync() => Task.Delay(Timeout.Infinite, stop);

    public Task SendRawAsync(params byte[] bytes) => stream.WriteAsync(bytes, stop).AsTask();

    public async Task<byte[]> ReadAsync()
    {
        byte[] length = new byte[4];
        await stream.ReadExactlyAsync(length, stop);
        byte[] frame = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        await stream.ReadExactlyAsync(frame, stop);
        return frame;
    }

    /// <summary>The next request that is no ping: its number and kind.</summary>
    public async Task<(int Xid, OpCode Op)> RequestAsync()
    {
        while (true)
        {
            byte[] frame = await ReadAsync();
            (int xid, OpCode op) = (BinaryPrimitives.ReadInt32BigEndian(frame), (OpCode)BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(4)));
            if (op != OpCode.Ping)
            {
                return (xid, op);
            }
        }
    }

    public async Task WelcomeAsync(int timeoutMs = 20_000)
    {
        await ReadAsync();
        await SendAsync(0, timeoutMs, SessionId, new byte[16], false);
    }

    public Task AnswerAsync(int xid, params object[] body) => SendAsync([xid, 1L, 0, .. body]);

    public async Task AnswerNextAsync(params object[] body) => await AnswerAsync((await RequestAsync()).Xid, body);

    /// <summary>One frame of numbers, flags, texts and buffers.</summary>
    public async Task SendAsync(params object[] values)
    {
        ArraySegment<byte> frame = Frame(values);
        await stream.WriteAsync(frame, stop);
    }

    private static ArraySegment<byte> Frame(object[] values)
    {
        var writer = new JuteWriter();
        foreach (object value in values)
        {
            switch (value)
            {
                case int number:
                    writer.Write(number);
                    break;
                case long number:
                    writer.Write(number);
                    break;
                case bool flag:
                    writer.Write(flag);
                    break;
                case string text:
                    writer.Write(text);
                    break;
                case byte[] bytes:
                    writer.WriteBuffer(bytes);
                    break;
            }
        }

        return writer.Finish();
    }
}
