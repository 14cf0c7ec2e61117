namespace Broker.Configuration;

/// <summary>An element of wurstmeister's KAFKA_CREATE_TOPICS.</summary>
public sealed record TopicToCreate(string Name, int Partitions, short ReplicationFactor, string? CleanupPolicy);
