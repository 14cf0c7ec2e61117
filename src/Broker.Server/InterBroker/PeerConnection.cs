using System.Buffers.Binary;
using System.Net.Sockets;
using Broker.Cluster;
using Broker.Network;
using Broker.Protocol;

namespace Broker.Server;

/// <summary>
/// Requests to one other broker on the inter-broker listener, one at a time, in versions both sides know beforehand: brokers of a cluster do not negotiate.
/// After a failure it is of no more use. Not thread-safe.
/// </summary>
internal sealed class PeerConnection : IDisposable
{
    private const int LengthPrefixBytes = 4;

    private readonly OutboundConnection _connection;
    private readonly string _clientId;
    private int _lastCorrelationId;

    private PeerConnection(OutboundConnection connection, string clientId)
    {
        _connection = connection;
        _clientId = clientId;
    }

    public static async Task<PeerConnection> ConnectAsync(EndpointImage endpoint, string clientId, int maxFrameBytes, TimeSpan timeout, CancellationToken stop, bool reusesMemory = false)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(timeout);
        return new PeerConnection(await OutboundConnection.ConnectAsync(endpoint.Host, endpoint.Port, maxFrameBytes, reusesMemory, limit.Token).ConfigureAwait(false), clientId);
    }

    /// <summary>Whether a failed exchange is the fault of the network or the other side: then another connection may do.</summary>
    public static bool IsFailure(Exception e, CancellationToken stop) =>
        e is SocketException or IOException or ProtocolException || (e is OperationCanceledException && !stop.IsCancellationRequested);

    /// <summary>Where memory is reused, the decoded answer is valid until the next request.</summary>
    public async ValueTask<T> AskAsync<T>(ApiKey key, short version, IMessage request, TimeSpan timeout, CancellationToken stop)
        where T : class, IMessage
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(timeout);
        var header = new RequestHeader(key, version, ++_lastCorrelationId, _clientId);
        using OutboundFrame frame = Encode(header, request);
        Memory<byte> answer = await _connection.ExchangeAsync(frame, limit.Token).ConfigureAwait(false);
        return (T)Decode(key, version, answer);
    }

    public void Dispose() => _connection.Dispose();

    /// <summary>A request that is sent again and again, with its length.</summary>
    public static byte[] Frame(in RequestHeader header, IMessage request)
    {
        using OutboundFrame frame = Encode(header, request);
        return frame.Memory.ToArray();
    }

    private static OutboundFrame Encode(in RequestHeader header, IMessage request)
    {
        int bytes = header.Size() + request.Size(header.ApiVersion);
        OutboundFrame frame = OutboundFrame.Rent(LengthPrefixBytes + bytes);
        BinaryPrimitives.WriteInt32BigEndian(frame.Memory.Span, bytes);
        var writer = new WireWriter(frame.Memory, LengthPrefixBytes);
        header.Write(writer);
        request.Write(writer, header.ApiVersion);
        return frame;
    }

    private IMessage Decode(ApiKey key, short version, Memory<byte> answer)
    {
        var reader = new WireReader(answer);
        int correlationId = reader.ReadInt32();
        if (correlationId != _lastCorrelationId)
        {
            throw new ProtocolException($"The answer has correlation id {correlationId} instead of {_lastCorrelationId}");
        }

        if (ApiCatalog.ResponseHeaderVersion(key, version) >= 1)
        {
            reader.SkipTags();
        }

        return ApiCatalog.Get(key).ReadResponse(ref reader, version);
    }
}
