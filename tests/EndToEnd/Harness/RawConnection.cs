using System.Buffers.Binary;
using System.Net.Sockets;

namespace Broker.EndToEnd;

/// <summary>A connection that sends whatever bytes it is told to.</summary>
internal sealed class RawConnection : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TcpClient _client = new() { NoDelay = true };

    public static async Task<RawConnection> OpenAsync(int port)
    {
        var connection = new RawConnection();
        await connection._client.ConnectAsync("127.0.0.1", port);
        return connection;
    }

    /// <summary>Sends a request with its length in front.</summary>
    public Task SendAsync(byte[] request) => SendRawAsync(Frame(request));

    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes) => await _client.GetStream().WriteAsync(bytes);

    /// <summary>The next response without its length; null when the broker closed the connection.</summary>
    public async Task<byte[]?> ReceiveAsync()
    {
        using var cancellation = new CancellationTokenSource(Patience);
        byte[] length = new byte[4];
        try
        {
            NetworkStream stream = _client.GetStream();
            if (await stream.ReadAtLeastAsync(length, 4, throwOnEndOfStream: false, cancellation.Token) < 4)
            {
                return null;
            }

            byte[] response = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
            await stream.ReadExactlyAsync(response, cancellation.Token);
            return response;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public async Task<byte[]> AskAsync(byte[] request)
    {
        await SendAsync(request);
        byte[]? response = await ReceiveAsync();
        Assert.True(response is not null, "the broker closed the connection instead of answering");
        Assert.Equal(request.AsSpan(4, 4), response.AsSpan(0, 4));
        return response;
    }

    public async Task AssertClosedAsync()
    {
        byte[]? response = await ReceiveAsync();
        Assert.True(response is null, $"expected the connection to be closed, received {response?.Length} bytes");
    }

    /// <summary>Takes what arrives until nothing has come for <paramref name="quiet"/>; false when the connection is closed.</summary>
    public async Task<bool> DrainAsync(TimeSpan quiet)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            NetworkStream stream = _client.GetStream();
            do
            {
                using var cancellation = new CancellationTokenSource(quiet);
                if (await stream.ReadAsync(buffer, cancellation.Token) == 0)
                {
                    return false;
                }
            }
            while (stream.DataAvailable);

            return true;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose() => _client.Dispose();

    public static byte[] Frame(byte[] request)
    {
        byte[] frame = new byte[4 + request.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, request.Length);
        request.CopyTo(frame, 4);
        return frame;
    }
}
