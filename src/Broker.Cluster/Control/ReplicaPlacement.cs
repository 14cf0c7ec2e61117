namespace Broker.Cluster;

/// <summary>
/// Where the replicas of new partitions go. Leaders take turns over all brokers; the followers of a partition come after its leader in an order in which neighbours
/// are in different racks, and each round over all brokers skips further, so that the partitions led by one broker have their followers on many. Pure.
/// <list type="bullet">
/// <item>A partition has as many racks as it has replicas, or all racks if there are fewer.</item>
/// <item>Every broker leads as many partitions as any other, give or take one.</item>
/// <item>With as many brokers in each rack, every broker has as many replicas as any other once all have led equally often.</item>
/// </list>
/// Without racks every broker is a rack of its own.
/// </summary>
internal sealed class ReplicaPlacement
{
    private readonly BrokerImage[] _order;
    private readonly int _rackCount;

    /// <param name="brokers">In the order of their ids; at least one. All with a rack, or none.</param>
    public ReplicaPlacement(IReadOnlyList<BrokerImage> brokers)
    {
        _order = Alternate(brokers);
        _rackCount = _order.Select(Rack).Distinct(StringComparer.Ordinal).Count();
    }

    /// <summary>Brokers that do not say where they are among others that do: nobody can tell then what is spread.</summary>
    public static int[] WithoutRack(IReadOnlyList<BrokerImage> brokers) =>
        brokers.All(b => b.Rack is null) ? [] : [.. brokers.Where(b => b.Rack is null).Select(b => b.Id)];

    /// <summary>The replicas of a new topic, beginning anywhere, so that topics of one partition do not all have the same leader.</summary>
    public int[][] Place(int partitions, int factor, Random chance) => Place(0, partitions, factor, chance.Next(_order.Length), chance.Next(_order.Length));

    /// <summary>The replicas of partitions that join <paramref name="existing"/> others, whose first one <paramref name="firstLeader"/> is preferred for: the turns go on.</summary>
    public int[][] Continue(int existing, int added, int factor, int firstLeader)
    {
        int start = Math.Max(0, Array.FindIndex(_order, b => b.Id == firstLeader));
        return Place(existing, added, factor, start, start);
    }

    private int[][] Place(int first, int count, int factor, int start, int skip)
    {
        var replicas = new int[count][];
        for (int i = 0; i < count; i++)
        {
            int partition = first + i;
            int round = partition / _order.Length;
            replicas[i] = Choose((int)(((long)partition + start) % _order.Length), factor, (long)(skip + round) * _rackCount);
        }

        return replicas;
    }

    /// <summary>The leader, then whoever comes next, with the skip, and is in a rack that the partition does not have yet; in any rack when it has all.</summary>
    private int[] Choose(int leader, int factor, long skip)
    {
        var chosen = new int[factor];
        var racks = new HashSet<string>(StringComparer.Ordinal) { Rack(_order[leader]) };
        chosen[0] = _order[leader].Id;
        int others = _order.Length - 1;
        for (int count = 1, step = 0; count < factor; step++)
        {
            BrokerImage next = _order[(leader + 1 + (int)((skip + step) % others)) % _order.Length];
            bool isTaken = chosen.AsSpan(0, count).Contains(next.Id);
            if (!isTaken && (racks.Count == _rackCount || !racks.Contains(Rack(next))))
            {
                racks.Add(Rack(next));
                chosen[count++] = next.Id;
            }
        }

        return chosen;
    }

    /// <summary>One of each rack, then the next of each, until there are no more: as far as that goes neighbours are in different racks.</summary>
    private static BrokerImage[] Alternate(IReadOnlyList<BrokerImage> brokers)
    {
        BrokerImage[][] racks = [.. brokers.GroupBy(Rack, StringComparer.Ordinal).OrderBy(r => r.Key, StringComparer.Ordinal).Select(r => r.ToArray())];
        return brokers.All(b => b.Rack is null)
            ? [.. brokers]
            : [.. Enumerable.Range(0, racks.Max(r => r.Length)).SelectMany(i => racks.Where(r => i < r.Length).Select(r => r[i]))];
    }

    private static string Rack(BrokerImage broker) => broker.Rack ?? $"\0{broker.Id}";
}
