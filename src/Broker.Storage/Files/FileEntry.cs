namespace Broker.Storage;

/// <summary>One name of a directory listing, with the length of a segment's log; others are listed without asking the system about each of them.</summary>
internal readonly record struct FileEntry(string Name, bool IsDirectory, long Length);
