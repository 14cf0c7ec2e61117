namespace Broker.Storage;

/// <summary>A log holds bytes that the cleaner cannot read; it is left alone until the next start, the others are cleaned.</summary>
internal sealed class UncleanableLogException : Exception
{
    public UncleanableLogException(string message)
        : base(message)
    {
    }

    public UncleanableLogException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
