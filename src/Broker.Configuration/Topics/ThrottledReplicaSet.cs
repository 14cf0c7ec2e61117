using System.Globalization;

namespace Broker.Configuration;

/// <summary>Replicas that a topic names for a throttle: some of its partitions on some brokers, or all. Immutable.</summary>
public sealed class ThrottledReplicaSet
{
    private const string Every = "*";

    private readonly HashSet<(int Partition, int Broker)>? _some;
    private readonly bool _all;

    private ThrottledReplicaSet(bool all, HashSet<(int, int)>? some)
    {
        _all = all;
        _some = some;
    }

    public static ThrottledReplicaSet None { get; } = new(all: false, some: null);

    public bool IsEmpty => !_all && _some is null;

    public bool Contains(int partition, int broker) => _all || (_some is not null && _some.Contains((partition, broker)));

    /// <summary>Of a value that the key's range allows.</summary>
    internal static ThrottledReplicaSet From(IReadOnlyList<string> list)
    {
        if (list.Count == 0)
        {
            return None;
        }

        if (list is [Every])
        {
            return new ThrottledReplicaSet(all: true, some: null);
        }

        var some = new HashSet<(int, int)>();
        foreach (string replica in list)
        {
            int colon = replica.IndexOf(':', StringComparison.Ordinal);
            some.Add((int.Parse(replica.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture), int.Parse(replica.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture)));
        }

        return new ThrottledReplicaSet(all: false, some);
    }
}
