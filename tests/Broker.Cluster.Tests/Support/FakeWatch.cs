namespace Broker.Cluster.Tests;

/// <summary>Brokers refuse connections when a test says so.</summary>
internal sealed class FakeWatch : IBrokerWatch
{
    private readonly HashSet<int> _refusing = [];

    public event Action? Changed;

    public IReadOnlyList<int> Watched { get; private set; } = [];

    public void Watch(IReadOnlyList<BrokerImage> brokers)
    {
        Watched = [.. brokers.Select(b => b.Id)];
        _refusing.IntersectWith(Watched);
    }

    public bool Refuses(BrokerImage broker) => _refusing.Contains(broker.Id);

    public void Set(int broker, bool refuses)
    {
        if (refuses ? _refusing.Add(broker) : _refusing.Remove(broker))
        {
            Changed?.Invoke();
        }
    }
}
