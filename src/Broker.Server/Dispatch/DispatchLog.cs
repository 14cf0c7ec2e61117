using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

internal static partial class DispatchLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Closed connection {Connection} on listener {Listener}: the request cannot be decoded: {Reason}")]
    public static partial void Malformed(ILogger logger, string connection, string listener, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Closed connection {Connection}: {Reason}")]
    public static partial void ClosedByProtocol(ILogger logger, string connection, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Closed connection {Connection}: API key {Key} ({Api}) version {Version} is not served here ({Supported}); the client must choose from what ApiVersions lists")]
    public static partial void Unserved(ILogger logger, string connection, short key, ApiKey api, short version, string supported);
}
