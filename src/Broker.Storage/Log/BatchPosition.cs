namespace Broker.Storage;

/// <summary>Where a batch lies in its segment's file.</summary>
internal readonly record struct BatchPosition(long BaseOffset, long LastOffset, int Position, int Size)
{
    public int End => Position + Size;
}
