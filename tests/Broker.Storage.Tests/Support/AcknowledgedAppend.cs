using Broker.Protocol;

namespace Broker.Storage.Tests;

internal static class AcknowledgedAppend
{
    /// <summary>Appends and, where flush.messages asks for it, flushes before it counts, as the server does, on this thread.</summary>
    public static AppendResult AppendAndFlush(this PartitionLog log, byte[] batch, int leaderEpoch, AppendOrigin origin)
    {
        AppendResult result = log.AppendAsLeader(batch, leaderEpoch, origin);
        return result.IsFlushDue && log.Flush() is var error && error != ErrorCode.None ? result with { Error = error } : result;
    }
}
