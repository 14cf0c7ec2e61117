namespace Broker.Storage;

/// <summary>A check that is left out, so that a test can show that its absence would be noticed. Nothing in the product leaves one out.</summary>
internal enum Omission
{
    None,

    /// <summary>Recovery believes batches whose checksum is wrong.</summary>
    Checksums,

    /// <summary>Index entries are believed without a look at the log.</summary>
    IndexEntries,

    /// <summary>A copy in another directory takes a log's place before it has all of it.</summary>
    CopiedToTheEnd,
}
