namespace Broker.Storage;

/// <summary>The log directories cannot be used as they are; the message is for the operator and in Kafka's words where Kafka has words.</summary>
public sealed class LoadException : Exception
{
    public LoadException(string message)
        : base(message)
    {
    }

    public LoadException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
