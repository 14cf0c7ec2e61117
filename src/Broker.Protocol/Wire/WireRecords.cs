namespace Broker.Protocol;

/// <summary>
/// Record batches as a message carries them: bytes in memory, a range of a file, or null.
/// Decoded ones point into the frame and live as long as it does.
/// </summary>
public readonly struct WireRecords
{
    private enum Kind : byte
    {
        Empty,
        Null,
        InMemory,
        InFile,
    }

    private readonly Kind _kind;
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly FileSlice _file;

    private WireRecords(Kind kind, ReadOnlyMemory<byte> memory, FileSlice file)
    {
        _kind = kind;
        _memory = memory;
        _file = file;
    }

    public static WireRecords Null { get; } = new(Kind.Null, default, default);

    public bool IsNull => _kind == Kind.Null;

    /// <summary>Bytes on the wire, without the length that precedes them.</summary>
    public int Length => _kind == Kind.InFile ? _file.Length : _memory.Length;

    /// <summary>Bytes that stay in a file.</summary>
    public int FileBytes => _kind == Kind.InFile ? _file.Length : 0;

    /// <summary>The bytes in memory; empty for a file range.</summary>
    public ReadOnlyMemory<byte> Memory => _memory;

    /// <summary>The file range, if these records are one.</summary>
    public FileSlice? File => _kind == Kind.InFile ? _file : null;

    public static WireRecords FromMemory(ReadOnlyMemory<byte> bytes) => new(Kind.InMemory, bytes, default);

    public static WireRecords FromFile(FileSlice slice) => new(Kind.InFile, default, slice);
}
