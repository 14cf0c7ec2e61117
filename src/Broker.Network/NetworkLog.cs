using System.Net;
using Microsoft.Extensions.Logging;

namespace Broker.Network;

/// <summary>Every line that the network layer logs.</summary>
internal static partial class NetworkLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Listener {Listener} is bound to {EndPoint}.")]
    public static partial void Bound(ILogger log, string listener, IPEndPoint endPoint);

    [LoggerMessage(Level = LogLevel.Information, Message = "Network stopped: {Finished} connections finished their requests, {Aborted} were aborted after the grace of {GraceMs} ms.")]
    public static partial void Stopped(ILogger log, int finished, int aborted, long graceMs);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Listener {Listener} could not accept a connection: {Reason} Trying again in {DelayMs} ms.")]
    public static partial void AcceptFailed(ILogger log, string listener, string reason, int delayMs);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Refused a connection of {Remote} on listener {Listener}: {Reason} {Suppressed} more were refused since the last such line.")]
    public static partial void Refused(ILogger log, IPEndPoint remote, string listener, string reason, long suppressed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "max.connections.per.ip.overrides names the host {HostName}, which cannot be resolved: {Reason} Its limit has no effect.")]
    public static partial void UnknownOverrideHost(ILogger log, string hostName, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "Connection {Id}: {Remote} sent a request length of {Length} bytes, which must be between 0 and {MaxBytes} (socket.request.max.bytes). The connection is closed; is the peer a Kafka client, and does it speak plaintext?")]
    public static partial void InvalidLength(ILogger log, string id, IPEndPoint remote, int length, int maxBytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Connection {Id} is closed: {Remote} sent a malformed request: {Reason}")]
    public static partial void Malformed(ILogger log, string id, IPEndPoint remote, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Connection {Id} was idle for {IdleMs} ms and is closed (connections.max.idle.ms).")]
    public static partial void ClosedIdle(ILogger log, string id, long idleMs);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Connection {Id} was closed by its peer.")]
    public static partial void ClosedByPeer(ILogger log, string id);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Connection {Id} broke: {Reason}")]
    public static partial void Broken(ILogger log, string id, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Connection {Id} is closed: {Reason}")]
    public static partial void ClosedByHandler(ILogger log, string id, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Connection {Id} is closed in the middle of a response, because a log file no longer has the bytes.")]
    public static partial void FileTooShort(ILogger log, Exception exception, string id);

    [LoggerMessage(Level = LogLevel.Error, Message = "Connection {Id} is closed: handling a request failed. This is a defect of the broker.")]
    public static partial void HandlerFailed(ILogger log, Exception exception, string id);

    [LoggerMessage(Level = LogLevel.Error, Message = "Connection {Id} is closed: the transport failed. This is a defect of the broker.")]
    public static partial void Failed(ILogger log, Exception exception, string id);
}
