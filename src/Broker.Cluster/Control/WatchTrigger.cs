namespace Broker.Cluster;

/// <summary>
/// Turns events of one-shot watches into work on the controller's queue: events that come before the work has begun are one piece of work, which reads again and
/// sets the watch again. Work that could not reach the tree is repeated, since the watch would be lost with it.
/// </summary>
internal sealed class WatchTrigger(Func<Func<Task>, bool> enqueue, Func<Action<WatchedEvent>, Task> work, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private int _isPending;

    /// <summary>The watch to give to the tree. The end of a session sets all watches anew elsewhere.</summary>
    public void OnEvent(WatchedEvent change)
    {
        if (change.Type != WatchedEventType.SessionExpired)
        {
            Fire();
        }
    }

    public void Fire()
    {
        if (Interlocked.Exchange(ref _isPending, 1) == 0)
        {
            enqueue(RunAsync);
        }
    }

    private async Task RunAsync()
    {
        Volatile.Write(ref _isPending, 0);
        try
        {
            await work(OnEvent).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error is CoordinationError.ConnectionLoss or CoordinationError.StoreFailed)
        {
            _ = RepeatAsync();
            throw;
        }
    }

    private async Task RepeatAsync()
    {
        await Task.Delay(Pause, time).ConfigureAwait(false);
        Fire();
    }
}
