namespace Broker.Storage;

/// <summary>The log of a partition belongs to another topic of the same name.</summary>
public sealed class InconsistentTopicIdException(string message, Guid found) : Exception(message)
{
    /// <summary>The topic id of the log that is there.</summary>
    public Guid Found { get; } = found;
}
