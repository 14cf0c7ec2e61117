namespace Broker.Protocol.Records;

/// <summary>What is wrong with the outside of a batch.</summary>
public enum BatchDefect
{
    None,

    /// <summary>It goes on after the bytes that are there.</summary>
    Incomplete,

    /// <summary>Its length is less than its header takes.</summary>
    BadLength,

    /// <summary>Its magic is none of 0, 1 and 2.</summary>
    UnknownMagic,

    BadChecksum,

    /// <summary>Record count and offsets contradict each other.</summary>
    BadCounts,
}
