namespace Broker.Storage.Tests;

internal enum DiskOperation
{
    Open,
    Create,
    Read,
    Write,
    SetLength,
    Flush,
    Move,
    Delete,
    List,
    FlushDirectory,
    FlushFileSystem,
}
