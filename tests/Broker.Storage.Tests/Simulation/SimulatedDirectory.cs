namespace Broker.Storage.Tests;

/// <summary>A directory of the simulated disk. Entries are <see cref="SimulatedFile"/> or <see cref="SimulatedDirectory"/>; changes of them survive a power cut in order.</summary>
internal sealed class SimulatedDirectory
{
    private readonly List<(string? Removed, string? Added, object? Node)> _unsynced = [];
    private Dictionary<string, object> _durable = new(StringComparer.Ordinal);

    public Dictionary<string, object> Entries { get; private init; } = new(StringComparer.Ordinal);

    public void Change(string? removed, string? added, object? node)
    {
        _unsynced.Add((removed, added, node));
        Apply(Entries, removed, added, node);
    }

    public void Sync()
    {
        if (_unsynced.Count > 0)
        {
            _durable = new Dictionary<string, object>(Entries, StringComparer.Ordinal);
            _unsynced.Clear();
        }
    }

    public void SyncTree()
    {
        Sync();
        foreach (object node in Entries.Values)
        {
            if (node is SimulatedFile file)
            {
                file.Sync();
            }
            else
            {
                ((SimulatedDirectory)node).SyncTree();
            }
        }
    }

    public SimulatedDirectory AfterCrash(Random random)
    {
        Dictionary<string, object> left = new(_durable, StringComparer.Ordinal);
        int survivors = random.Next(3) switch { 0 => 0, 1 => _unsynced.Count, _ => random.Next(_unsynced.Count + 1) };
        foreach ((string? removed, string? added, object? node) in _unsynced.Take(survivors))
        {
            Apply(left, removed, added, node);
        }

        return Of(left, node => node is SimulatedFile file ? file.AfterCrash(random) : ((SimulatedDirectory)node).AfterCrash(random));
    }

    public SimulatedDirectory Copy() => Of(Entries, static node => node is SimulatedFile file ? file.Copy() : ((SimulatedDirectory)node).Copy());

    private static SimulatedDirectory Of(Dictionary<string, object> entries, Func<object, object> copy)
    {
        Dictionary<string, object> copied = new(StringComparer.Ordinal);
        foreach ((string name, object node) in entries.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            copied[name] = copy(node);
        }

        return new SimulatedDirectory { Entries = copied, _durable = new Dictionary<string, object>(copied, StringComparer.Ordinal) };
    }

    private static void Apply(Dictionary<string, object> entries, string? removed, string? added, object? node)
    {
        if (removed is not null)
        {
            entries.Remove(removed);
        }

        if (added is not null)
        {
            entries[added] = node!;
        }
    }
}
