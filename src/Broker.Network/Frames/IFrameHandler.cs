namespace Broker.Network;

/// <summary>
/// What stands behind a listener: it takes request frames and returns response frames.
/// One instance serves all connections, from many threads at once; per connection it is called by one thread at a time, in arrival order.
/// </summary>
public interface IFrameHandler
{
    /// <summary>
    /// Called once per frame, in arrival order per connection, on the transport's thread: it must not block. The next frame of the same connection may be handed over while
    /// earlier tasks are pending; answers leave in request order whatever the order of completion.
    /// <paramref name="frame"/> excludes its 4-byte length, is writable, and stays valid until the returned task completes and no longer.
    /// An exception closes this connection and is logged as a defect of the broker.
    /// </summary>
    ValueTask<FrameAnswer> HandleAsync(ClientConnection connection, Memory<byte> frame);

    /// <summary>
    /// Called exactly once, after the last <see cref="HandleAsync"/> of the connection was started. Tasks of an aborted connection may still be pending: their answers are dropped.
    /// </summary>
    void OnClosed(ClientConnection connection);
}
