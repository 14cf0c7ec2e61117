namespace Broker.Storage.Tests;

/// <summary>A batch as the campaign handed it to the log. <paramref name="IsCommit"/> is null for records, true or false for a marker.</summary>
internal sealed record WrittenBatch(
    long First, int Count, byte[] Bytes, int Epoch, long ProducerId, int Sequence, bool IsTransactional, bool? IsCommit, long TimestampMs)
{
    // What the log patches (base offset, length stays, leader epoch) lies before the magic byte.
    public const int PatchedPrefix = 16;

    public long Last => First + Count - 1;

    public bool IsSameAs(ReadOnlySpan<byte> stored) => stored[PatchedPrefix..].SequenceEqual(Bytes.AsSpan(PatchedPrefix));
}
