using System.Runtime.CompilerServices;

namespace Broker.Network;

/// <summary>One place in the order of a connection's answers. Reused by the queue for later requests; guarded by the queue's lock.</summary>
internal sealed class PendingAnswer
{
    private readonly Action<PendingAnswer> _onCompleted;
    private ConfiguredValueTaskAwaitable<FrameAnswer>.ConfiguredValueTaskAwaiter _handling;

    public PendingAnswer(Action<PendingAnswer> onCompleted)
    {
        _onCompleted = onCompleted;
        Continuation = () => _onCompleted(this);
    }

    public Action Continuation { get; }

    public bool IsReady { get; set; }

    public FrameAnswer Answer { get; set; }

    /// <summary>The received bytes that the handler still works on.</summary>
    public PooledBuffer? Input { get; set; }

    /// <summary>What this request holds of the connection's allowance: its own bytes while in work, then those of its answer.</summary>
    public int HeldBytes { get; set; }

    public void Attach(ValueTask<FrameAnswer> handling) => _handling = handling.ConfigureAwait(false).GetAwaiter();

    /// <summary>Calls <see cref="Continuation"/> when the handler is done, at once if it is already.</summary>
    public void Watch()
    {
        if (_handling.IsCompleted)
        {
            Continuation();
        }
        else
        {
            _handling.UnsafeOnCompleted(Continuation);
        }
    }

    /// <summary>The handler's answer, or its exception. Once only.</summary>
    public FrameAnswer TakeResult()
    {
        ConfiguredValueTaskAwaitable<FrameAnswer>.ConfiguredValueTaskAwaiter handling = _handling;
        _handling = default;
        return handling.GetResult();
    }
}
