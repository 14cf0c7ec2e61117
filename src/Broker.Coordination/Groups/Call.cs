namespace Broker.Coordination;

/// <summary>A request that will be answered once: at once, after an append, or when a rebalance moves on.</summary>
internal abstract class Call
{
    /// <summary>Hands the result to the waiter, if one waits. Called outside every lock.</summary>
    public abstract void Release();
}

/// <summary>
/// The state machine keeps the call as long as the request is parked and answers it through <see cref="Effects.Answer{T}"/>.
/// Not thread-safe: owned by the shard, under its lock, until released.
/// </summary>
internal sealed class Call<T> : Call
    where T : class
{
    private TaskCompletionSource<T>? _waiter;

    /// <summary>The answer, once there is one.</summary>
    public T? Result { get; private set; }

    public bool IsAnswered => Result is not null;

    public void Set(T result)
    {
        if (Result is not null)
        {
            throw new InvalidOperationException("A call was answered twice.");
        }
        Result = result;
    }

    /// <summary>The answer as a task. Waiters continue on the thread pool, never on the thread that completes a rebalance.</summary>
    public ValueTask<T> WaitAsync()
    {
        if (Result is not null)
        {
            return ValueTask.FromResult(Result);
        }
        _waiter ??= new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        return new ValueTask<T>(_waiter.Task);
    }

    public override void Release() => _waiter?.TrySetResult(Result!);
}
