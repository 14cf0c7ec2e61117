namespace Broker.Network;

/// <summary>What a handler wants done after one request frame.</summary>
public readonly struct FrameAnswer
{
    private FrameAnswer(OutboundFrame? frame, int throttleMs, bool closes)
    {
        Frame = frame;
        ThrottleMs = throttleMs;
        ClosesConnection = closes;
    }

    /// <summary>Nothing is sent (produce with acks=0).</summary>
    public static FrameAnswer None => default;

    /// <summary>Answers to earlier requests are flushed, then the connection is closed without an answer to this one; later requests are dropped.</summary>
    public static FrameAnswer Close => new(null, 0, closes: true);

    internal OutboundFrame? Frame { get; }

    internal int ThrottleMs { get; }

    internal bool ClosesConnection { get; }

    /// <summary>
    /// Sends <paramref name="frame"/>, whose ownership passes to the connection. With <paramref name="throttleMs"/> the connection takes no further frame for that time
    /// after the answer was given (KIP-219: respond first, mute afterwards).
    /// </summary>
    public static FrameAnswer Respond(OutboundFrame frame, int throttleMs = 0) => new(frame, throttleMs, closes: false);

    /// <summary>Nothing is sent, but the connection takes no further frame for <paramref name="throttleMs"/> (acks=0 above its quota).</summary>
    public static FrameAnswer NoneThrottled(int throttleMs) => new(null, throttleMs, closes: false);
}
