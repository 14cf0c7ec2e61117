namespace Broker.Coordination.Tests.Simulation;

internal static class LogReplay
{
    public static void Into(GroupShard shard, IReadOnlyList<GroupRecord> log)
    {
        foreach (GroupRecord record in log)
        {
            shard.Apply(record);
        }
    }
}
