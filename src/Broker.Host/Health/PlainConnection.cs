using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Broker.Host.Health;

/// <summary>
/// A client of a few requests in their oldest versions, written by hand so that a health check loads nothing it does not need. One request at
/// a time; used by one caller.
/// </summary>
internal sealed class PlainConnection : IDisposable
{
    // Metadata without topics of a very large cluster; an answer beyond it is not from a broker.
    private const int MaxAnswerBytes = 1024 * 1024;

    private readonly TcpClient _client = new() { NoDelay = true };
    private int _correlationId;

    public async Task ConnectAsync(string host, int port, CancellationToken cancellationToken) =>
        await _client.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);

    /// <summary>Sends a request with a version 1 header and gives the answer after the correlation id.</summary>
    /// <exception cref="InvalidDataException">The other side does not speak the protocol.</exception>
    public async Task<ReadOnlyMemory<byte>> AskAsync(short apiKey, short version, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var clientId = "health-check"u8;
        var request = new byte[4 + 10 + clientId.Length + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(request, request.Length - 4);
        BinaryPrimitives.WriteInt16BigEndian(request.AsSpan(4), apiKey);
        BinaryPrimitives.WriteInt16BigEndian(request.AsSpan(6), version);
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(8), ++_correlationId);
        BinaryPrimitives.WriteInt16BigEndian(request.AsSpan(12), (short)clientId.Length);
        clientId.CopyTo(request.AsSpan(14));
        body.CopyTo(request.AsMemory(14 + clientId.Length));
        var stream = _client.GetStream();
        await stream.WriteAsync(request, cancellationToken).ConfigureAwait(false);

        var length = new byte[4];
        await stream.ReadExactlyAsync(length, cancellationToken).ConfigureAwait(false);
        var bytes = BinaryPrimitives.ReadInt32BigEndian(length);
        if (bytes is < 4 or > MaxAnswerBytes)
        {
            throw new InvalidDataException($"The answer claims {bytes} bytes; this is not a broker's plaintext listener.");
        }

        var answer = new byte[bytes];
        await stream.ReadExactlyAsync(answer, cancellationToken).ConfigureAwait(false);
        return BinaryPrimitives.ReadInt32BigEndian(answer) == _correlationId
            ? answer.AsMemory(4)
            : throw new InvalidDataException("The answer belongs to another request.");
    }

    public static void WriteString(MemoryStream output, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        WriteInt16(output, (short)bytes.Length);
        output.Write(bytes);
    }

    public static void WriteInt16(MemoryStream output, short value) => output.Write([(byte)(value >> 8), (byte)value]);

    public static void WriteInt32(MemoryStream output, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        output.Write(bytes);
    }

    public void Dispose() => _client.Dispose();
}
