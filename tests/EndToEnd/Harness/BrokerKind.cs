namespace Broker.EndToEnd;

internal enum BrokerKind
{
    Ours,
    Kafka,
}
