using System.Buffers;

namespace Broker.ZooKeeper;

/// <summary>
/// One connection of a session: reads, writes and keeps itself alive until the first of the three fails, and then ends. Frames go to the handler one by
/// one, in the order they came. Owned by <see cref="SessionLoop"/>.
/// </summary>
internal sealed class ServerConnection(Stream stream, FrameReader frames, RequestQueue requests, TimeProvider time, int sessionTimeoutMs) : IAsyncDisposable
{
    private const int UsualOutputBytes = 64 * 1024;

    private static readonly byte[] PingFrame = [0, 0, 0, 8, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, (byte)OpCode.Ping];

    // Silence is broken after a third of the session timeout. After two thirds of it without a word from the server, a third is left to find another.
    private readonly TimeSpan _pingAfter = TimeSpan.FromMilliseconds(sessionTimeoutMs / 3.0);
    private readonly TimeSpan _deadAfter = TimeSpan.FromMilliseconds(sessionTimeoutMs * 2 / 3.0);
    private long _lastSent;
    private long _lastHeard;
    private bool _isPingDue;

    /// <summary>Runs until the connection ends, and returns why.</summary>
    /// <param name="first">Frames to send before any request; they go back to the pool.</param>
    /// <param name="handle">Called with every frame; what it throws ends the connection.</param>
    /// <param name="stop">Ends the connection from outside.</param>
    public async Task<Exception> RunAsync(List<ArraySegment<byte>> first, Action<ReadOnlyMemory<byte>> handle, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _lastSent = _lastHeard = time.GetTimestamp();
        Task[] loops = [ReadAsync(handle, end.Token), WriteAsync(first, end.Token), KeepAliveAsync(end.Token)];
        Task ended = await Task.WhenAny(loops).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ended.Exception?.InnerException ?? new OperationCanceledException(stop);
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync().ConfigureAwait(false);
        frames.Dispose();
    }

    private async Task ReadAsync(Action<ReadOnlyMemory<byte>> handle, CancellationToken stop)
    {
        while (true)
        {
            ReadOnlyMemory<byte> frame = await frames.ReadAsync(stop).ConfigureAwait(false);
            Volatile.Write(ref _lastHeard, time.GetTimestamp());
            handle(frame);
        }
    }

    private async Task WriteAsync(List<ArraySegment<byte>> first, CancellationToken stop)
    {
        foreach (ArraySegment<byte> frame in first)
        {
            await stream.WriteAsync(frame, stop).ConfigureAwait(false);
            ArrayPool<byte>.Shared.Return(frame.Array!);
        }

        var output = new ArrayBufferWriter<byte>();
        while (true)
        {
            if (Interlocked.Exchange(ref _isPingDue, false))
            {
                output.Write(PingFrame);
            }

            requests.TakeForSending(output);
            if (output.WrittenCount == 0)
            {
                await requests.WaitAsync(stop).ConfigureAwait(false);
                continue;
            }

            await stream.WriteAsync(output.WrittenMemory, stop).ConfigureAwait(false);
            Volatile.Write(ref _lastSent, time.GetTimestamp());
            output.ResetWrittenCount();
            if (output.Capacity > 2 * UsualOutputBytes)
            {
                output = new ArrayBufferWriter<byte>();
            }
        }
    }

    private async Task KeepAliveAsync(CancellationToken stop)
    {
        while (true)
        {
            TimeSpan untilDead = _deadAfter - time.GetElapsedTime(Volatile.Read(ref _lastHeard));
            TimeSpan untilPing = _pingAfter - time.GetElapsedTime(Volatile.Read(ref _lastSent));
            if (untilDead <= TimeSpan.Zero)
            {
                throw new TimeoutException($"The server said nothing for {_deadAfter.TotalMilliseconds:F0} ms");
            }

            if (untilPing <= TimeSpan.Zero)
            {
                Volatile.Write(ref _isPingDue, true);
                requests.Wake();
                untilPing = _pingAfter;
            }

            TimeSpan wait = untilDead < untilPing ? untilDead : untilPing;
            // Timers count whole milliseconds: half of one would be a busy loop.
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(wait.TotalMilliseconds))), time, stop).ConfigureAwait(false);
        }
    }
}
