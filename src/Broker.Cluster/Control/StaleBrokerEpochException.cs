namespace Broker.Cluster;

/// <summary>A broker that is not registered, or whose epoch is of an earlier registration, asked for something.</summary>
public sealed class StaleBrokerEpochException(int broker, long brokerEpoch) : Exception($"Broker {broker} with epoch {brokerEpoch} is not registered");
