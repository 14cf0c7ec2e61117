using System.Buffers.Binary;
using Broker.Network;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// The door between frames and handlers: reads the header, checks key and version, decodes, calls the handler and encodes its answer.
/// Stateless and shared by all connections. Malformed bytes end their own connection with one log line and touch no other.
/// </summary>
internal sealed class RequestDispatcher(HandlerTable handlers, ILogger<RequestDispatcher> logger) : IFrameHandler
{
    private const int LengthPrefixBytes = 4;
    private const int CorrelationIdBytes = 4;

    public ValueTask<FrameAnswer> HandleAsync(ClientConnection connection, Memory<byte> frame)
    {
        RequestContext context;
        ValueTask<IMessage?> pending;
        try
        {
            var reader = new WireReader(frame);
            RequestHeader header = RequestHeader.Read(ref reader, handlers.IsServed);
            if (!handlers.TryGet(header.ApiKey, header.ApiVersion, out HandlerTable.Entry entry))
            {
                return new(AnswerUnserved(connection, header));
            }

            context = new RequestContext(connection, header);
            IMessage request = entry.Read(ref reader, header.ApiVersion);

            // Bytes after the last field are ignored, as Kafka does: librdkafka sends three too many when it asks for all topics with Metadata v9 and later.
            pending = entry.Handler.HandleAsync(context, request);
            if (!pending.IsCompletedSuccessfully)
            {
                return AwaitAnswerAsync(context, pending);
            }
        }
        catch (ProtocolException malformed)
        {
            DispatchLog.Malformed(logger, connection.Id, connection.ListenerName, malformed.Message);
            return new(FrameAnswer.Close);
        }
        catch (CloseConnectionException close)
        {
            DispatchLog.ClosedByProtocol(logger, connection.Id, close.Message);
            return new(FrameAnswer.Close);
        }

        return new(Encode(context, pending.Result));
    }

    public void OnClosed(ClientConnection connection)
    {
    }

    private async ValueTask<FrameAnswer> AwaitAnswerAsync(RequestContext context, ValueTask<IMessage?> pending)
    {
        try
        {
            return Encode(context, await pending.ConfigureAwait(false));
        }
        catch (ProtocolException malformed)
        {
            DispatchLog.Malformed(logger, context.Connection.Id, context.ListenerName, malformed.Message);
            return FrameAnswer.Close;
        }
        catch (CloseConnectionException close)
        {
            DispatchLog.ClosedByProtocol(logger, context.Connection.Id, close.Message);
            return FrameAnswer.Close;
        }
    }

    private static FrameAnswer Encode(RequestContext context, IMessage? response) =>
        response is null ? FrameAnswer.None : Encode(context.ApiKey, context.ApiVersion, context.CorrelationId, response);

    private static FrameAnswer Encode(ApiKey key, short version, int correlationId, IMessage response)
    {
        int headerVersion = ApiCatalog.ResponseHeaderVersion(key, version);
        int headerBytes = CorrelationIdBytes + headerVersion;   // header v1 adds an empty tag section of one byte
        int bodyBytes = response.Size(version);
        int inBuffer = LengthPrefixBytes + headerBytes + bodyBytes - response.FileBytes;

        OutboundFrame frame = OutboundFrame.Rent(inBuffer);
        BinaryPrimitives.WriteInt32BigEndian(frame.Memory.Span, headerBytes + bodyBytes);
        var writer = new WireWriter(frame.Memory[..inBuffer], LengthPrefixBytes);
        writer.WriteInt32(correlationId);
        if (headerVersion >= 1)
        {
            writer.WriteUnsignedVarint(0);
        }

        response.Write(writer, version);
        if (writer.Position != inBuffer)
        {
            throw new InvalidOperationException($"{key} v{version} response was sized as {inBuffer} bytes but {writer.Position} were written");
        }

        if (writer.Attachments.Count > 0)
        {
            frame.Attach(writer.Attachments);
        }

        return FrameAnswer.Respond(frame);
    }

    /// <summary>
    /// ApiVersions of an unknown version is answered in the version 0 layout so that the client can retry with what it learns there (KIP-511);
    /// anything else unknown ends the connection without an answer, which old clients probe for.
    /// </summary>
    private FrameAnswer AnswerUnserved(ClientConnection connection, RequestHeader header)
    {
        if (header.ApiKey == ApiKey.ApiVersions)
        {
            return Encode(ApiKey.ApiVersions, 0, header.CorrelationId, ApiVersionsHandler.UnsupportedVersion());
        }

        DispatchLog.Unserved(logger, connection.Id, (short)header.ApiKey, header.ApiKey, header.ApiVersion, handlers.Describe(header.ApiKey));
        return FrameAnswer.Close;
    }
}
