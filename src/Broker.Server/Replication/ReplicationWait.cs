using Broker.Protocol;

namespace Broker.Server;

/// <summary>A produce that waits for the in-sync replicas: until they have its records, this broker cannot say any more, or its time is over.</summary>
internal sealed class ReplicationWait : TimedWait
{
    // Never on the thread of the follower's fetch that moved the high watermark.
    private readonly TaskCompletionSource<ErrorCode> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ErrorCode> Ended => _end.Task;

    public void TryEnd(ErrorCode error) => _end.TrySetResult(error);

    internal override void OnExpired() => _end.TrySetResult(ErrorCode.RequestTimedOut);
}
