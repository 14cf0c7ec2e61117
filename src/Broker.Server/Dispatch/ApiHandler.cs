using Broker.Protocol;

namespace Broker.Server;

/// <summary>One API and the versions of it that this broker serves completely.</summary>
/// <param name="Key">The API.</param>
/// <param name="MinVersion">Lowest version answered.</param>
/// <param name="MaxVersion">Highest version answered; may be below what the schema describes.</param>
internal readonly record struct ApiSupport(ApiKey Key, short MinVersion, short MaxVersion)
{
    public bool Contains(short version) => version >= MinVersion && version <= MaxVersion;
}

/// <summary>
/// Serves one API. Instances are shared by all connections and called on transport threads: a handler must not block, and
/// anything it keeps beyond its returned task must be a copy, since decoded arrays and records point into the frame.
/// </summary>
internal abstract class ApiHandler
{
    /// <summary>Returns the response body, or null when the request asks for none (Produce with acks=0).</summary>
    /// <exception cref="CloseConnectionException">The protocol answers this case by closing the connection.</exception>
    public abstract ValueTask<IMessage?> HandleAsync(RequestContext context, IMessage request);
}

/// <inheritdoc/>
internal abstract class ApiHandler<TRequest> : ApiHandler
    where TRequest : class, IMessage
{
    public sealed override ValueTask<IMessage?> HandleAsync(RequestContext context, IMessage request) =>
        HandleAsync(context, (TRequest)request);

    protected abstract ValueTask<IMessage?> HandleAsync(RequestContext context, TRequest request);

    /// <summary>Wraps an answer that is ready at once.</summary>
    protected static ValueTask<IMessage?> Ready(IMessage response) => new(response);
}

/// <summary>Ends the connection without an answer, as the protocol demands for some errors (acks=0 that failed, unknown APIs).</summary>
internal sealed class CloseConnectionException(string reason) : Exception(reason);
