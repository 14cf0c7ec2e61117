namespace Broker.Network;

/// <summary>One listening address. <see cref="Host"/>: empty or 0.0.0.0 = every address, else an IPv4/IPv6 address or a host name. <see cref="Port"/> 0 = any free port.</summary>
public sealed record ListenerOptions(string Name, string Host, int Port, int Backlog = 50);

/// <summary>Everything the network layer is told; the server fills it from its configuration.</summary>
public sealed record NetworkOptions
{
    public required IReadOnlyList<ListenerOptions> Listeners { get; init; }

    /// <summary>socket.request.max.bytes: a frame that claims more closes its connection before anything is buffered.</summary>
    public int MaxRequestBytes { get; init; } = 100 * 1024 * 1024;

    /// <summary>connections.max.idle.ms: no byte in either direction and no request in work for this long closes the connection; 0 or less = never.</summary>
    public long MaxIdleMs { get; init; } = 10 * 60 * 1000;

    /// <summary>socket.send.buffer.bytes; -1 = leave it to the operating system, which tunes it to the path; 0 = the same, but <see cref="LocalSendBufferBytes"/> for peers on this machine.</summary>
    public int SendBufferBytes { get; init; }

    /// <summary>
    /// Send buffer towards a peer on this machine. The path has no length there, so a larger one only lets data leave the processor's caches before it is read:
    /// fetching 1 MiB at a time costs less than half the CPU with 256 KiB than with what the system grows it to.
    /// </summary>
    public int LocalSendBufferBytes { get; init; } = 256 * 1024;

    /// <summary>socket.receive.buffer.bytes; -1 = leave it to the operating system, which tunes it to the path.</summary>
    public int ReceiveBufferBytes { get; init; } = -1;

    /// <summary>
    /// Requests of one connection that may be taken and not yet answered; at the bound the connection is not read. Kafka works on one at a time, clients pipeline 5 by default
    /// (max.in.flight.requests.per.connection); 64 covers every pipelining client and bounds one connection's share.
    /// </summary>
    public int MaxInFlightRequests { get; init; } = 64;

    /// <summary>
    /// Bytes of requests in work and of answers not yet sent that one connection may hold; at the bound it is not read. 8 MiB = 5 pipelined requests of Kafka's default
    /// max.request.size (1 MiB) and their answers with room to spare; one frame may exceed it, so the largest allowed request always passes.
    /// </summary>
    public int MaxPendingBytes { get; init; } = 8 * 1024 * 1024;

    public ConnectionLimits ConnectionLimits { get; init; } = new();
}
