namespace Broker.Cluster;

/// <summary>
/// Who leads a partition and who is in sync after something happened to its brokers. Pure. In sync is who has every acknowledged record, so nobody else
/// may lead, unless losing records is allowed; when nobody in sync is alive there is no leader and those in sync stay on record.
/// </summary>
internal static class PartitionElection
{
    public const int NoLeader = -1;

    /// <summary>
    /// After brokers died or came. A live leader stays. Otherwise the first replica that is in sync and alive leads. Members of the ISR that are not
    /// alive leave it, as long as one stays; those that are held for dead (<paramref name="isHeld"/>) may live and have what others have lost: they stay rather than those that are gone.
    /// </summary>
    public static (int Leader, int[] Isr) AfterBrokers(int[] replicas, int leader, int[] isr, Predicate<int> isAlive, Predicate<int> isHeld, bool allowsUnclean)
    {
        int[] live = Array.FindAll(isr, isAlive);
        if (leader >= 0 && isAlive(leader) && live.Contains(leader))
        {
            return (leader, live);
        }

        int next = First(replicas, live);
        if (next >= 0)
        {
            return (next, live);
        }

        int[] held = Array.FindAll(isr, isHeld);
        if (held.Length > 0)
        {
            return (NoLeader, held);
        }

        int unclean = allowsUnclean ? Array.Find(replicas, isAlive) : 0;
        return allowsUnclean && Array.Exists(replicas, isAlive) ? (unclean, [unclean]) : (NoLeader, isr);
    }

    /// <summary>
    /// At the start of a controller, which does not know what happened before. A broker that registered after the state was written was away in between: it counts only if none of
    /// those in sync stayed, and leads in a new epoch then. That holds for those that are held for dead as well: who was away and is registered again stays rather than those that are gone.
    /// </summary>
    public static (int Leader, int[] Isr, bool IsNewEpoch) AtStart(
        int[] replicas, int leader, int[] isr, Predicate<int> isAlive, Predicate<int> isHeld, Predicate<int> stayed, bool allowsUnclean)
    {
        bool hasStayed = Array.Exists(isr, b => (isAlive(b) || isHeld(b)) && stayed(b));
        bool Counts(int broker) => !hasStayed || stayed(broker);
        (int next, int[] inSync) = AfterBrokers(replicas, leader, isr, b => isAlive(b) && Counts(b), b => isHeld(b) && Counts(b), allowsUnclean);
        bool cameBack = next >= 0 && next == leader && !stayed(next);
        return (next, inSync, cameBack || next != leader || inSync.Length != isr.Length);
    }

    /// <summary>The first replica takes over if it is in sync and alive; null when it leads already or cannot.</summary>
    public static int? Preferred(int[] replicas, int leader, int[] isr, Predicate<int> isAlive) =>
        replicas.Length > 0 && replicas[0] != leader && isr.Contains(replicas[0]) && isAlive(replicas[0]) ? replicas[0] : null;

    /// <summary>A broker is about to stop: another one in sync leads, and it leaves the ISR. Null when nobody else is in sync, or it has no part in it.</summary>
    public static (int Leader, int[] Isr)? WithoutBroker(int[] replicas, int leader, int[] isr, int broker, Predicate<int> isAlive)
    {
        int[] others = Array.FindAll(isr, r => r != broker && isAlive(r));
        int next = leader == broker ? First(replicas, others) : leader;
        return others.Length == 0 || next < 0 || !isr.Contains(broker) ? null : (next, Array.FindAll(isr, r => r != broker));
    }

    private static int First(int[] replicas, int[] among) => Array.Exists(replicas, among.Contains) ? Array.Find(replicas, among.Contains) : NoLeader;
}
