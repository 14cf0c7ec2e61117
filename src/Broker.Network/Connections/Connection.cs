using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Broker.Protocol;

namespace Broker.Network;

/// <summary>
/// The one life of a client connection, from accept to its last buffer. Owns the transport, the answers and the receive loop, which is the only caller of the handler.
/// Ends in one order, whatever the cause: no frame is taken any more -> answers leave (ordered end) or are dropped (abort) -> the sender is at rest -> the socket is closed -> both ends give
/// their buffers back -> the handler is told. <see cref="Stop"/>, <see cref="Abort"/> and <see cref="CheckIdle"/> may be called from any thread.
/// </summary>
internal sealed class Connection : IResponseQueueOwner
{
    // A connection whose bytes never run out leaves the polling thread after this much: long enough to cost nothing, short enough (well under a millisecond of
    // small requests) that the neighbours do not notice.
    private const int BurstBytes = 1024 * 1024;
    private const int BurstFrames = 256;

    private readonly ConnectionHost _host;
    private readonly ITransport _transport;
    private readonly PipeReader _input;
    private readonly FrameWriter _writer;
    private readonly ResponseQueue _answers;
    private readonly WakeSignal _wake = new();
    private readonly MuteTimer _mute;
    private readonly PoolHop _hop = new();
    private bool _isStopping;
    private int _isAborted;
    private int _burstBytes;
    private int _burstFrames;
    private long _requests;
    private long _seenBytes = -1;
    private long _lastActivity;

    public Connection(ConnectionHost host, ITransport transport, ClientConnection client)
    {
        _host = host;
        _transport = transport;
        _input = transport.Input;
        Client = client;
        _writer = new FrameWriter(transport);
        _answers = new ResponseQueue(_writer, this, host.Options.MaxInFlightRequests, host.Options.MaxPendingBytes);
        _mute = new MuteTimer(host.Time, _wake.Set);
        client.BindClose(CloseByHandler);
    }

    public ClientConnection Client { get; }

    public long Requests => Volatile.Read(ref _requests);

    public long BytesReceived => _transport.BytesReceived;

    public long BytesSent => _transport.BytesSent;

    private bool IsStopping => Volatile.Read(ref _isStopping);

    private bool IsAborted => Volatile.Read(ref _isAborted) != 0;

    /// <summary>Runs the connection to its end; never throws.</summary>
    public async Task RunAsync()
    {
        try
        {
            await ReceiveFramesAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Fail(e);
        }

        await EndAsync().ConfigureAwait(false);
    }

    /// <summary>Ordered end: no new frames; requests in work finish and their answers leave, then the connection is closed.</summary>
    public void Stop()
    {
        Volatile.Write(ref _isStopping, true);
        _transport.StopReceiving();
        _wake.Set();
    }

    /// <summary>Ends at once; answers not yet sent are dropped. Returns false when it was aborted before.</summary>
    public bool Abort()
    {
        if (Interlocked.Exchange(ref _isAborted, 1) != 0)
        {
            return false;
        }

        Volatile.Write(ref _isStopping, true);
        _answers.Close();
        _transport.Abort();
        _wake.Set();
        return true;
    }

    /// <summary>Called by the coarse sweep: closes a connection on which nothing moved and nothing is in work for <paramref name="maxIdle"/>.</summary>
    public void CheckIdle(TimeSpan maxIdle)
    {
        long bytes = BytesReceived + BytesSent;
        if (bytes != _seenBytes || _answers.HasRequestInWork || _mute.IsMuted)
        {
            _seenBytes = bytes;
            _lastActivity = _host.Time.GetTimestamp();
            return;
        }

        TimeSpan idle = _host.Time.GetElapsedTime(_lastActivity);
        if (idle >= maxIdle && Abort())
        {
            NetworkLog.ClosedIdle(_host.Log, Client.Id, (long)idle.TotalMilliseconds);
        }
    }

    void IResponseQueueOwner.OnRoom() => _wake.Set();

    void IResponseQueueOwner.OnThrottle(int throttleMs) => _mute.Mute(throttleMs);

    void IResponseQueueOwner.OnCloseAnswer() => Stop();

    void IResponseQueueOwner.OnHandlerFailed(Exception exception) => FailHandler(exception);

    void IResponseQueueOwner.OnSendFailed(Exception exception) => Fail(exception);

    private async Task ReceiveFramesAsync()
    {
        int needed = FrameLength.PrefixBytes;
        while (!IsStopping)
        {
            while (MustWait && !IsStopping)
            {
                await _wake.WaitAsync().ConfigureAwait(false);
            }

            ValueTask<ReadResult> reading = _input.ReadAtLeastAsync(needed);
            if (!reading.IsCompleted)
            {
                _burstBytes = 0;
                _burstFrames = 0;
            }

            ReadResult received = await reading.ConfigureAwait(false);
            Memory<byte> bytes = MemoryMarshal.AsMemory(received.Buffer.First);
            int taken = 0;
            while (!IsStopping && !MustWait && FrameLength.TryRead(bytes.Span, taken, _host.Options.MaxRequestBytes, out int length, out needed, out _))
            {
                Memory<byte> frame = bytes.Slice(taken + FrameLength.PrefixBytes, length);
                taken += FrameLength.PrefixBytes + length;
                _burstFrames++;
                await HandleFrameAsync(frame).ConfigureAwait(false);
            }

            if (_answers.IsIdle && _writer.HasUnflushed)
            {
                await _writer.FlushAsync().ConfigureAwait(false);
            }

            if (IsStopping || EndsHere(bytes.Span, taken, received.IsCompleted, out needed))
            {
                return;
            }

            _input.AdvanceTo(received.Buffer.GetPosition(taken), received.Buffer.End);
            _burstBytes += taken;
            if (_burstBytes >= BurstBytes || _burstFrames >= BurstFrames)
            {
                _burstBytes = 0;
                _burstFrames = 0;
                await _hop;
            }
        }
    }

    private bool MustWait => _answers.IsFull || _mute.IsMuted;

    /// <summary>Whether the rest of the received bytes ends the connection: a length out of bounds, or a peer that sends nothing more.</summary>
    private bool EndsHere(ReadOnlySpan<byte> bytes, int taken, bool isCompleted, out int needed)
    {
        int maxBytes = _host.Options.MaxRequestBytes;
        bool isWhole = FrameLength.TryRead(bytes, taken, maxBytes, out int length, out needed, out bool isValid);
        if (!isValid)
        {
            NetworkLog.InvalidLength(_host.Log, Client.Id, Client.Remote, length, maxBytes);
            Abort();
            return true;
        }

        if (!isCompleted || isWhole)
        {
            return false;
        }

        if (!_answers.IsIdle)
        {
            // Nobody is left to read what is still in work.
            Abort();
        }

        NetworkLog.ClosedByPeer(_host.Log, Client.Id);
        return true;
    }

    private ValueTask HandleFrameAsync(Memory<byte> frame)
    {
        Volatile.Write(ref _requests, _requests + 1);
        ValueTask<FrameAnswer> handling;
        try
        {
            handling = _host.Handler.HandleAsync(Client, frame);
        }
        catch (Exception e)
        {
            FailHandler(e);
            return default;
        }

        if (_answers.IsIdle)
        {
            if (handling.IsCompletedSuccessfully)
            {
                return AnswerAsync(handling.Result);
            }

            if (_writer.HasUnflushed)
            {
                return FlushAndEnqueueAsync(handling, frame.Length);
            }
        }

        _answers.Enqueue(handling, _transport.ShareInput(), frame.Length);
        return default;
    }

    private ValueTask AnswerAsync(FrameAnswer answer)
    {
        if (answer.ClosesConnection)
        {
            Volatile.Write(ref _isStopping, true);
            return default;
        }

        if (answer.ThrottleMs > 0)
        {
            _mute.Mute(answer.ThrottleMs);
        }

        return answer.Frame is null ? default : _writer.WriteAsync(answer.Frame);
    }

    private async ValueTask FlushAndEnqueueAsync(ValueTask<FrameAnswer> handling, int frameBytes)
    {
        PooledBuffer input = _transport.ShareInput();
        try
        {
            await _writer.FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            // Also after a failed flush: the queue sees the request to its end and gives its bytes back.
            _answers.Enqueue(handling, input, frameBytes);
        }
    }

    private async Task EndAsync()
    {
        if (!IsAborted)
        {
            await _answers.WhenIdleAsync().ConfigureAwait(false);
        }

        _answers.Close();
        await _answers.WhenIdleAsync().ConfigureAwait(false);
        _transport.Close();
        await _input.CompleteAsync().ConfigureAwait(false);
        await _transport.Output.CompleteAsync().ConfigureAwait(false);
        _mute.Dispose();
        try
        {
            _host.Handler.OnClosed(Client);
        }
        catch (Exception e)
        {
            NetworkLog.HandlerFailed(_host.Log, e, Client.Id);
        }
    }

    private void CloseByHandler(string reason)
    {
        if (Abort())
        {
            NetworkLog.ClosedByHandler(_host.Log, Client.Id, reason);
        }
    }

    private void FailHandler(Exception exception)
    {
        if (!Abort())
        {
            return;
        }

        if (exception is ProtocolException)
        {
            NetworkLog.Malformed(_host.Log, Client.Id, Client.Remote, exception.Message);
        }
        else
        {
            NetworkLog.HandlerFailed(_host.Log, exception, Client.Id);
        }
    }

    /// <summary>The peer's failure is a line for the curious, a file's one for the operator, all else a defect of ours.</summary>
    private void Fail(Exception exception)
    {
        if (!Abort())
        {
            return;
        }

        switch (exception)
        {
            case FileRangeException:
                NetworkLog.FileTooShort(_host.Log, exception, Client.Id);
                break;
            case SocketException or IOException or ObjectDisposedException or OperationCanceledException:
                NetworkLog.Broken(_host.Log, Client.Id, exception.Message);
                break;
            default:
                NetworkLog.Failed(_host.Log, exception, Client.Id);
                break;
        }
    }
}
