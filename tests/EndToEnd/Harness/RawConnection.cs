using System.Buffers.Binary;
using System.Net.Sockets;

namespace Broker.EndToEnd;

/// <summary>A connection that sends whatever bytes it is told to.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly TcpClient _client = new() { NoDelay = true };
    private readonly TimeSpan _patience;

    private RawConnection(TimeSpan patience) => _patience = patience;

    public static Task<RawConnection> OpenAsync(int port) => OpenAsync("127.0.0.1", port, TimeSpan.FromSeconds(30));

    /// <param name="host">Address.</param>
    /// <param name="port">Port.</param>
    /// <param name="patience">For the connection and for each answer; <see cref="OperationCanceledException"/> after it.</param>
    public static async Task<RawConnection> OpenAsync(string host, int port, TimeSpan patience)
    {
        var connection = new RawConnection(patience);
        using var cancellation = new CancellationTokenSource(patience);
        try
        {
            await connection._client.ConnectAsync(host, port, cancellation.Token);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request with its length in front.</summary>
    public Task SendAsync(byte[] request) => SendRawAsync(Frame(request));

    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes) => await _client.GetStream().WriteAsync(bytes);

    /// <summary>The next response without its length; null when the broker closed the connection.</summary>
    public async Task<byte[]?> ReceiveAsync()
    {
        using var cancellation = new CancellationTokenSource(_patience);
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
