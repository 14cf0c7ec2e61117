namespace Broker.Protocol.Records;

/// <summary>A record header to write.</summary>
public readonly record struct RecordHeader(string Key, byte[]? Value);
