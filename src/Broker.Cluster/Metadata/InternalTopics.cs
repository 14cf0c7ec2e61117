namespace Broker.Cluster;

/// <summary>Topics that belong to coordinators: clients may read them but not write or create them.</summary>
public static class InternalTopics
{
    public const string ConsumerOffsets = "__consumer_offsets";
    public const string TransactionState = "__transaction_state";

    public static bool IsInternal(string topic) => topic is ConsumerOffsets or TransactionState;
}
