using Microsoft.Extensions.Logging;

namespace Broker.Network;

/// <summary>What all connections of a server share.</summary>
internal sealed record ConnectionHost(NetworkOptions Options, IFrameHandler Handler, TimeProvider Time, ILogger Log);
