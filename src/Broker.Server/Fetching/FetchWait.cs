namespace Broker.Server;

/// <summary>A fetch that waits until there are enough bytes or its time is over; it reads what there is then.</summary>
internal sealed class FetchWait : TimedWait
{
    // Never on the marking thread: a slow consumer cannot delay a producer.
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Ended => _end.Task;

    public void TryEnd() => _end.TrySetResult();

    internal override void OnExpired() => _end.TrySetResult();
}
