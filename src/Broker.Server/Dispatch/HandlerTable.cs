using Broker.Protocol;

namespace Broker.Server;

/// <summary>
/// The running side of <see cref="ApiTable"/>: one handler instance per served API, indexed by key. Immutable after construction.
/// </summary>
internal sealed class HandlerTable
{
    private readonly Entry[] _byKey;

    public HandlerTable(BrokerServices services)
    {
        ApiTable.Row[] rows = [.. ApiTable.Rows, .. services.Cluster.IsShared ? ApiTable.InterBrokerRows : []];
        _byKey = new Entry[rows.Max(row => (int)row.Supports.Key) + 1];
        foreach (ApiTable.Row row in rows)
        {
            _byKey[(int)row.Supports.Key] = new Entry(row.Supports, ApiCatalog.Get(row.Supports.Key).ReadRequest, row.Create(services));
        }
    }

    public bool IsServed(ApiKey key, short version) => TryGet(key, version, out _);

    public bool TryGet(ApiKey key, short version, out Entry entry)
    {
        int index = (int)key;
        entry = (uint)index < (uint)_byKey.Length ? _byKey[index] : default;
        return entry.Handler is not null && entry.Supports.Contains(version);
    }

    /// <summary>What of an API is served, in words, for log lines.</summary>
    public string Describe(ApiKey key)
    {
        int index = (int)key;
        return (uint)index < (uint)_byKey.Length && _byKey[index].Handler is not null
            ? $"versions {_byKey[index].Supports.MinVersion} to {_byKey[index].Supports.MaxVersion}"
            : "no version";
    }

    internal readonly record struct Entry(ApiSupport Supports, MessageReader Read, ApiHandler Handler);
}
