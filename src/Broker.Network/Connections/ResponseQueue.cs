namespace Broker.Network;

/// <summary>What a <see cref="ResponseQueue"/> tells its connection. Called outside the queue's lock, from any thread.</summary>
internal interface IResponseQueueOwner
{
    /// <summary>The queue holds less than before: the receive loop may go on.</summary>
    void OnRoom();

    /// <summary>An answer asks for silence: no further frame for this long.</summary>
    void OnThrottle(int throttleMs);

    /// <summary>An answer closes the connection once the answers before it are flushed; no further frame is to be handled.</summary>
    void OnCloseAnswer();

    void OnHandlerFailed(Exception exception);

    void OnSendFailed(Exception exception);
}

/// <summary>
/// Keeps answers in request order while requests are handled side by side. The receive loop adds, completions of handlers come from any thread, and whoever completes the oldest answer sends
/// until no finished one is left: one sender at a time. While <see cref="IsIdle"/> the receive loop alone uses the writer, so an answer that is ready at once never comes here.
/// </summary>
internal sealed class ResponseQueue
{
    private readonly Lock _lock = new();
    private readonly FrameWriter _writer;
    private readonly IResponseQueueOwner _owner;
    private readonly int _maxRequests;
    private readonly int _maxBytes;
    private PendingAnswer[] _ring = [];
    private int _head;
    private int _count;
    private int _heldBytes;
    private int _inWork;
    private bool _isSending;
    private bool _isClosed;
    private bool _isBusy;
    private TaskCompletionSource? _whenIdle;

    public ResponseQueue(FrameWriter writer, IResponseQueueOwner owner, int maxRequests, int maxBytes)
    {
        _writer = writer;
        _owner = owner;
        _maxRequests = maxRequests;
        _maxBytes = maxBytes;
    }

    /// <summary>Nothing is queued, being sent or unflushed. Only the receive loop can end this state, so it may rely on it.</summary>
    public bool IsIdle => !Volatile.Read(ref _isBusy);

    public bool IsFull => Volatile.Read(ref _count) >= _maxRequests || Volatile.Read(ref _heldBytes) >= _maxBytes;

    public bool HasRequestInWork => Volatile.Read(ref _inWork) > 0;

    /// <summary>Takes the next request in order, with a reference to its bytes. The writer has nothing unflushed when the queue is idle.</summary>
    public void Enqueue(ValueTask<FrameAnswer> handling, PooledBuffer input, int inputBytes)
    {
        PendingAnswer pending;
        lock (_lock)
        {
            Volatile.Write(ref _isBusy, true);
            pending = NextPlace();
            pending.Attach(handling);
            pending.IsReady = false;
            pending.Input = input;
            pending.HeldBytes = inputBytes;
            _heldBytes += inputBytes;
            _inWork++;
        }

        pending.Watch();
    }

    /// <summary>Completes when no sender is at work and every answer has left, or the queue was closed.</summary>
    public Task WhenIdleAsync()
    {
        lock (_lock)
        {
            if (IsAtRest)
            {
                return Task.CompletedTask;
            }

            _whenIdle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _whenIdle.Task;
        }
    }

    /// <summary>Drops every answer not yet being sent, those of requests still in work when they come.</summary>
    public void Close()
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            for (int i = 0; i < _count; i++)
            {
                PendingAnswer pending = _ring[(_head + i) % _ring.Length];
                pending.Answer.Frame?.Dispose();
                pending.Answer = default;
            }

            SignalRest();
        }
    }

    private bool IsAtRest => !_isSending && (_isClosed || _count == 0);

    private PendingAnswer NextPlace()
    {
        if (_count == _ring.Length)
        {
            Grow();
        }

        PendingAnswer? pending = _ring[(_head + _count) % _ring.Length];
        Volatile.Write(ref _count, _count + 1);
        return pending;
    }

    private void Grow()
    {
        var larger = new PendingAnswer[Math.Clamp(_ring.Length * 2, 2, Math.Max(_maxRequests, 2))];
        for (int i = 0; i < larger.Length; i++)
        {
            larger[i] = i < _count ? _ring[(_head + i) % _ring.Length] : new PendingAnswer(OnHandled);
        }

        _ring = larger;
        _head = 0;
    }

    private void OnHandled(PendingAnswer pending)
    {
        FrameAnswer answer = TakeResult(pending, out Exception? failure);
        int throttleMs = answer.ThrottleMs;
        bool sends = false;
        lock (_lock)
        {
            _inWork--;
            pending.Input!.Release();
            pending.Input = null;
            int answerBytes = answer.Frame?.Memory.Length ?? 0;
            Volatile.Write(ref _heldBytes, _heldBytes - pending.HeldBytes + answerBytes);
            pending.HeldBytes = answerBytes;
            if (_isClosed)
            {
                answer.Frame?.Dispose();
            }
            else
            {
                pending.Answer = answer;
                pending.IsReady = true;
                sends = !_isSending && ReferenceEquals(pending, _ring[_head]);
                _isSending |= sends;
            }
        }

        Tell(answer.ClosesConnection, throttleMs, failure);
        if (sends)
        {
            // Its failures end in OnSendFailed.
            _ = SendReadyAsync();
        }
    }

    private static FrameAnswer TakeResult(PendingAnswer pending, out Exception? failure)
    {
        failure = null;
        try
        {
            return pending.TakeResult();
        }
        catch (Exception e)
        {
            failure = e;
            return FrameAnswer.None;
        }
    }

    private void Tell(bool closes, int throttleMs, Exception? failure)
    {
        if (failure is not null)
        {
            _owner.OnHandlerFailed(failure);
        }
        else if (closes)
        {
            _owner.OnCloseAnswer();
        }
        else if (throttleMs > 0)
        {
            _owner.OnThrottle(throttleMs);
        }

        _owner.OnRoom();
    }

    private async ValueTask SendReadyAsync()
    {
        try
        {
            while (TakeReady(out FrameAnswer answer))
            {
                if (answer.Frame is not null)
                {
                    await _writer.WriteAsync(answer.Frame).ConfigureAwait(false);
                }
                else if (_writer.HasUnflushed)
                {
                    await _writer.FlushAsync().ConfigureAwait(false);
                }

                if (answer.ClosesConnection)
                {
                    Close();
                }
            }
        }
        catch (Exception e)
        {
            lock (_lock)
            {
                _isSending = false;
                SignalRest();
            }

            _owner.OnSendFailed(e);
        }

        _owner.OnRoom();
    }

    /// <summary>The next finished answer in order, or an empty one when there is something to flush; false when the sender's part is over.</summary>
    private bool TakeReady(out FrameAnswer answer)
    {
        answer = default;
        lock (_lock)
        {
            PendingAnswer? head = _isClosed || _count == 0 ? null : _ring[_head];
            if (head is { IsReady: true } && !(head.Answer.ClosesConnection && _writer.HasUnflushed))
            {
                answer = head.Answer;
                head.Answer = default;
                head.IsReady = false;
                Volatile.Write(ref _heldBytes, _heldBytes - head.HeldBytes);
                _head = (_head + 1) % _ring.Length;
                Volatile.Write(ref _count, _count - 1);
                return true;
            }

            if (_writer.HasUnflushed && !_isClosed)
            {
                return true;
            }

            _isSending = false;
            Volatile.Write(ref _isBusy, _count > 0);
            SignalRest();
            return false;
        }
    }

    private void SignalRest()
    {
        if (IsAtRest)
        {
            _whenIdle?.TrySetResult();
        }
    }
}
