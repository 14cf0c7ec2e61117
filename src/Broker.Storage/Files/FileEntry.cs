namespace Broker.Storage;

/// <summary>One name of a directory listing.</summary>
internal readonly record struct FileEntry(string Name, bool IsDirectory, long Length, DateTime LastWriteUtc);
