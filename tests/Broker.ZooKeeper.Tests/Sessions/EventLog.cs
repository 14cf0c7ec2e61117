namespace Broker.ZooKeeper.Tests;

/// <summary>Remembers what watches told.</summary>
internal sealed class EventLog
{
    private readonly List<string> _events = [];

    public void Add(ZooKeeperEvent e)
    {
        lock (_events)
        {
            _events.Add($"{e.Type} {e.Path}");
        }
    }

    /// <summary>In alphabetical order: one change of the connection tells of several nodes in no order.</summary>
    public string[] Take()
    {
        lock (_events)
        {
            string[] taken = [.. _events.Order(StringComparer.Ordinal)];
            _events.Clear();
            return taken;
        }
    }
}
