namespace Broker.Configuration;

/// <summary>A broker key that gives or shares another key's value, and the factor from its unit to the other's.</summary>
public readonly record struct ConfigSynonymKey(string Name, long Factor = 1);
