namespace Broker.Server;

/// <summary>
/// A fetch held back until enough bytes arrived on its partitions or its time is up. Used for one wait only.
/// Its continuation never runs on the appending thread, so a slow consumer cannot delay a producer.
/// </summary>
internal sealed class FetchWaiter(long missingBytes, bool isFollower = false)
{
    /// <summary>A follower reads up to the end of the log, a consumer what is replicated.</summary>
    public bool IsFollower => isFollower;

    private readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _missingBytes = missingBytes;

    /// <summary>Counts bytes appended to a watched partition. Called by appenders.</summary>
    public void OnAppended(int bytes)
    {
        if (Interlocked.Add(ref _missingBytes, -(long)bytes) <= 0)
        {
            _enough.TrySetResult();
        }
    }

    /// <summary>Waits for enough bytes or for <paramref name="time"/>, whichever comes first; neither is an error.</summary>
    public async ValueTask WaitAsync(TimeSpan time, TimeProvider clock, CancellationToken stopping)
    {
        try
        {
            await _enough.Task.WaitAsync(time, clock, stopping).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The client's max wait: it gets what there is.
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Shutdown answers waiting fetches at once instead of letting them hold it up.
        }
    }
}
