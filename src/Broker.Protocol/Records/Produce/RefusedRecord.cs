namespace Broker.Protocol.Records;

/// <summary>A record that made its batch invalid.</summary>
/// <param name="Index">Its place in the batch, from 0.</param>
/// <param name="Message">Why, for the producer.</param>
public readonly record struct RefusedRecord(int Index, string Message);
