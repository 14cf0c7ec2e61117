using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Broker.Network.Tests;

/// <summary>Answers with whatever the test says; remembers what was closed.</summary>
internal sealed class TestHandler(Func<ClientConnection, Memory<byte>, ValueTask<FrameAnswer>> handle) : IFrameHandler
{
    public ConcurrentQueue<ClientConnection> Closed { get; } = new();

    public SemaphoreSlim ClosedSignal { get; } = new(0);

    public static TestHandler Echo { get; } = EchoHandler();

    public static TestHandler EchoHandler() => new((_, frame) => new(FrameAnswer.Respond(EchoFrame(frame.Span))));

    public static OutboundFrame EchoFrame(ReadOnlySpan<byte> body)
    {
        OutboundFrame answer = OutboundFrame.Rent(4 + body.Length);
        BinaryPrimitives.WriteInt32BigEndian(answer.Memory.Span, body.Length);
        body.CopyTo(answer.Memory.Span[4..]);
        return answer;
    }

    public ValueTask<FrameAnswer> HandleAsync(ClientConnection connection, Memory<byte> frame) => handle(connection, frame);

    public void OnClosed(ClientConnection connection)
    {
        Closed.Enqueue(connection);
        ClosedSignal.Release();
    }
}
