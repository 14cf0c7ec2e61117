namespace Broker.Cluster;

/// <summary>
/// What a reassignment does to a partition. Pure. First the wanted replicas are added in front of those that were there before; when every wanted one is in sync, the others leave, and the
/// leadership with them. Until then nobody has left who might be the only one to have a record.
/// </summary>
internal static class PartitionMove
{
    /// <summary>The replicas that shall be.</summary>
    public static int[] Target(PartitionImage partition) => Without(partition.Replicas, partition.Removing);

    /// <summary>The replicas that were there before the reassignment, or are there without one.</summary>
    public static int[] Origin(PartitionImage partition) => Without(partition.Replicas, partition.Adding);

    /// <summary>Whether wanted replicas are still waited for. After that, those that left may still have to be deleted.</summary>
    public static bool IsUnderWay(PartitionImage partition) => partition.Adding.Length > 0 || Array.Exists(partition.Removing, partition.Replicas.Contains);

    /// <summary>What is wrong with a target, or null.</summary>
    public static string? Validate(PartitionImage partition, int[] target, MetadataImage image)
    {
        if (target.Length == 0)
        {
            return "The list of replicas is empty: name at least one broker, or null to cancel a reassignment";
        }

        if (target.Distinct().Count() != target.Length)
        {
            return $"The list of replicas [{Text(target)}] names a broker twice: name each once";
        }

        if (Array.Exists(target, b => b < 0))
        {
            return $"The list of replicas [{Text(target)}] has a negative broker id: name brokers that are registered ({Text(image.Brokers.Select(b => b.Id))})";
        }

        // Those that are there already may be dead for a while, those that are added have to copy.
        int[] missing = Array.FindAll(Without(target, Origin(partition)), b => image.Broker(b) is null);
        if (missing.Length > 0)
        {
            return $"Brokers [{Text(missing)}] of the list of replicas [{Text(target)}] are not alive: start them, or name others (alive are {Text(image.Brokers.Select(b => b.Id))})";
        }

        return StaysInSync(partition, target)
            ? null
            : $"None of the replicas that would stay is in sync (in sync are {Text(partition.Isr)}): wait until one is, records would be lost";
    }

    /// <summary>A new target, or with that of before (<see cref="Origin"/>) the end of one. Replicas that were being added and are not wanted any more leave at once.</summary>
    public static PartitionImage Begin(PartitionImage partition, int[] target, Predicate<int> isAlive)
    {
        int[] origin = Origin(partition);
        int[] replicas = [.. target, .. Without(origin, target)];
        int[] isr = Array.FindAll(partition.Isr, replicas.Contains);
        int leader = partition.Leader < 0 || replicas.Contains(partition.Leader) ? partition.Leader : First(replicas, b => isr.Contains(b) && isAlive(b));
        return Next(partition, replicas, leader, isr, isAlive) with { Adding = Without(replicas, origin), Removing = Without(replicas, target) };
    }

    /// <summary>Whether <see cref="Begin"/> would change anything.</summary>
    public static bool IsNews(PartitionImage partition, PartitionImage begun) =>
        !begun.Replicas.AsSpan().SequenceEqual(partition.Replicas) || !begun.Adding.AsSpan().SequenceEqual(partition.Adding) || !begun.Removing.AsSpan().SequenceEqual(partition.Removing);

    /// <summary>The replicas that are not wanted leave. Null while not every wanted one is in sync, or none of them is alive to lead.</summary>
    public static PartitionImage? Finish(PartitionImage partition, Predicate<int> isAlive)
    {
        int[] target = Target(partition);
        if (!IsUnderWay(partition) || !Array.TrueForAll(target, partition.Isr.Contains))
        {
            return null;
        }

        int leader = target.Contains(partition.Leader) && isAlive(partition.Leader) ? partition.Leader : First(target, isAlive);
        return leader < 0 ? null : Next(partition, target, leader, Array.FindAll(partition.Isr, target.Contains), isAlive) with { Adding = [] };
    }

    /// <summary>Replicas that a step leaves behind: they are to be deleted.</summary>
    public static int[] Left(PartitionImage before, PartitionImage after) => Without(before.Replicas, after.Replicas);

    public static string Text(IEnumerable<int> brokers) => string.Join(", ", brokers);

    /// <summary>A new leader epoch: every replica has to hear of the others.</summary>
    private static PartitionImage Next(PartitionImage partition, int[] replicas, int leader, int[] isr, Predicate<int> isAlive) => partition with
    {
        Replicas = replicas,
        Leader = leader,
        Isr = isr,
        LeaderEpoch = partition.LeaderEpoch + 1,
        PartitionEpoch = partition.PartitionEpoch + 1,
        OfflineReplicas = Array.FindAll(replicas, b => partition.OfflineReplicas.Contains(b) || (!partition.Replicas.Contains(b) && !isAlive(b))),
    };

    private static bool StaysInSync(PartitionImage partition, int[] target)
    {
        int[] origin = Origin(partition);
        return Array.Exists(partition.Isr, b => target.Contains(b) || origin.Contains(b));
    }

    private static int First(int[] replicas, Predicate<int> wanted) => Array.Exists(replicas, wanted) ? Array.Find(replicas, wanted) : PartitionElection.NoLeader;

    private static int[] Without(int[] brokers, int[] others) => Array.FindAll(brokers, b => !others.Contains(b));
}
