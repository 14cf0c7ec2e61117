namespace Broker.Coordination;

/// <summary>Where the unpredictable part of member ids comes from; seeded in the simulation.</summary>
internal interface IMemberIds
{
    /// <summary>A new id: the prefix, a dash and a UUID.</summary>
    string Next(string prefix);
}

internal sealed class RandomMemberIds : IMemberIds
{
    public string Next(string prefix) => $"{prefix}-{Guid.NewGuid():D}";
}
