namespace Broker.Configuration;

/// <summary>A value that somebody gave, and where (a file and line, a variable, the command line).</summary>
public readonly record struct ConfigEntry(string Key, string Value, string Origin);
