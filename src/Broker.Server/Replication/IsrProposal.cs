using Broker.Cluster;

namespace Broker.Server;

/// <summary>A change of the ISR that the controller has to agree to, on the state it starts from.</summary>
internal sealed record IsrProposal(Partition Partition, PartitionImage From, int[] Isr, long[] BrokerEpochs);
