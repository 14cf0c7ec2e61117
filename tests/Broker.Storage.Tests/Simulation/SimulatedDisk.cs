using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace Broker.Storage.Tests;

/// <summary>
/// A disk in memory that knows what has been flushed. <see cref="AfterCrash"/> makes the disk that a power cut leaves: unflushed bytes lost, torn or kept in parts, unflushed
/// creations, renames and deletions undone from some point on. <see cref="Before"/> sees every operation first and may fail it. Thread-safe.
/// </summary>
internal class SimulatedDisk : LogFiles
{
    private const int NameBytes = 32;

    private readonly Lock _lock = new();
    private readonly ConditionalWeakTable<SafeFileHandle, SimulatedFile> _open = [];
    private readonly SimulatedDirectory _root;

    public SimulatedDisk()
        : this(new SimulatedDirectory())
    {
    }

    protected SimulatedDisk(SimulatedDirectory root) => _root = root;

    /// <summary>A check that managers on this disk leave out.</summary>
    public Omission Omits { get; init; }

    /// <summary>Called outside the lock, with the path (for an open file: the one it was opened by).</summary>
    public Action<DiskOperation, string>? Before { get; set; }

    public DateTime NowUtc { get; set; } = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000).UtcDateTime;

    public long UsableBytes { get; set; } = 1L << 40;

    /// <summary>Bytes that may still be added, names included; deletions give nothing back. Null: as many as wanted.</summary>
    public long? Room { get; set; }

    private ConditionalWeakTable<SafeFileHandle, string> Paths { get; } = [];

    public SimulatedDisk AfterCrash(Random random)
    {
        lock (_lock)
        {
            return new SimulatedDisk(_root.AfterCrash(random)) { Omits = Omits, NowUtc = NowUtc };
        }
    }

    public SimulatedDisk Copy()
    {
        lock (_lock)
        {
            return new SimulatedDisk(_root.Copy()) { Omits = Omits, NowUtc = NowUtc };
        }
    }

    /// <summary>Paths of all files.</summary>
    public List<string> AllFiles()
    {
        List<string> paths = [];
        Collect(_root, "/", paths);
        paths.Sort(StringComparer.Ordinal);
        return paths;
    }

    /// <summary>Replaces a file's bytes from outside, as damage or an operator does.</summary>
    public void Damage(string path, byte[] content)
    {
        SimulatedFile file = new();
        file.Write(content, 0);
        file.Sync();
        (SimulatedDirectory parent, string name) = Parent(path);
        parent.Change(null, name, file);
        parent.Sync();
    }

    public override SafeFileHandle Open(string path, bool create)
    {
        Before?.Invoke(create && !Exists(path) ? DiskOperation.Create : DiskOperation.Open, path);
        lock (_lock)
        {
            (SimulatedDirectory parent, string name) = Parent(path);
            if (!parent.Entries.TryGetValue(name, out object? node))
            {
                if (!create)
                {
                    throw new FileNotFoundException($"No file {path}");
                }

                TakeRoom(NameBytes);

                node = new SimulatedFile { LastWriteUtc = NowUtc };
                parent.Change(null, name, node);
            }

            SafeFileHandle handle = new(1, ownsHandle: false);
            _open.Add(handle, node as SimulatedFile ?? throw new UnauthorizedAccessException($"{path} is a directory"));
            Paths.Add(handle, path);
            return handle;
        }
    }

    public override int Read(SafeFileHandle file, Span<byte> buffer, long position)
    {
        See(DiskOperation.Read, file);
        lock (_lock)
        {
            ReadOnlySpan<byte> content = FileOf(file).Content;
            if (position >= content.Length)
            {
                return 0;
            }

            content = content[(int)position..];
            content = content[..Math.Min(content.Length, buffer.Length)];
            content.CopyTo(buffer);
            return content.Length;
        }
    }

    public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long position)
    {
        See(DiskOperation.Write, file);
        lock (_lock)
        {
            long growth = Math.Max(0, position + bytes.Length - FileOf(file).Length);
            if (Room is { } room && growth > room)
            {
                Store(file, bytes[..(int)Math.Max(0, bytes.Length - (growth - room))], position);
                Room = 0;
                throw new DiskFullException("No space left on device");
            }

            TakeRoom(growth);
        }

        Store(file, bytes, position);
    }

    public override void SetLength(SafeFileHandle file, long length)
    {
        See(DiskOperation.SetLength, file);
        lock (_lock)
        {
            SimulatedFile target = FileOf(file);
            if (target.Length != length)
            {
                target.SetLength((int)length);
                target.LastWriteUtc = NowUtc;
            }
        }
    }

    public override long Length(SafeFileHandle file)
    {
        lock (_lock)
        {
            return FileOf(file).Length;
        }
    }

    public override void Flush(SafeFileHandle file)
    {
        See(DiskOperation.Flush, file);
        lock (_lock)
        {
            FileOf(file).Sync();
        }
    }

    public override byte[] ReadAll(string path)
    {
        using SafeFileHandle file = Open(path, create: false);
        byte[] bytes = new byte[Length(file)];
        Read(file, bytes, 0);
        return bytes;
    }

    public override bool Exists(string path)
    {
        lock (_lock)
        {
            return Find(path) is SimulatedFile;
        }
    }

    public override void Move(string from, string to) => Rename(from, to);

    public override void MoveDirectory(string from, string to) => Rename(from, to);

    public override void Delete(string path)
    {
        Before?.Invoke(DiskOperation.Delete, path);
        lock (_lock)
        {
            (SimulatedDirectory parent, string name) = Parent(path);
            if (parent.Entries.ContainsKey(name))
            {
                parent.Change(name, null, null);
            }
        }
    }

    public override void DeleteDirectory(string path) => Delete(path);

    public override void CreateDirectory(string path)
    {
        Before?.Invoke(DiskOperation.Create, path);
        lock (_lock)
        {
            SimulatedDirectory at = _root;
            foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                if (!at.Entries.TryGetValue(part, out object? node))
                {
                    TakeRoom(NameBytes);
                    node = new SimulatedDirectory();
                    at.Change(null, part, node);
                }

                at = (SimulatedDirectory)node;
            }
        }
    }

    public override IReadOnlyList<FileEntry> List(string directory)
    {
        Before?.Invoke(DiskOperation.List, directory);
        lock (_lock)
        {
            List<FileEntry> entries = [];
            foreach ((string name, object node) in DirectoryOf(directory).Entries)
            {
                entries.Add(node is SimulatedFile file ? new FileEntry(name, false, file.Length) : new FileEntry(name, true, 0));
            }

            return entries;
        }
    }

    public override DateTime LastWriteUtc(string path)
    {
        lock (_lock)
        {
            return Find(path) is SimulatedFile file ? file.LastWriteUtc : throw new FileNotFoundException($"No file {path}");
        }
    }

    public override void SetLastWriteUtc(string path, DateTime time)
    {
        lock (_lock)
        {
            (Find(path) as SimulatedFile ?? throw new FileNotFoundException($"No file {path}")).LastWriteUtc = time;
        }
    }

    public override void FlushDirectory(string path)
    {
        Before?.Invoke(DiskOperation.FlushDirectory, path);
        lock (_lock)
        {
            DirectoryOf(path).Sync();
        }
    }

    public override bool FlushFileSystem(string path)
    {
        Before?.Invoke(DiskOperation.FlushFileSystem, path);
        lock (_lock)
        {
            _root.SyncTree();
        }

        return true;
    }

    public override (long TotalBytes, long UsableBytes) Space(string path) => (1L << 41, Room ?? UsableBytes);

    /// <summary>The lock dies with its process; two managers never share a disk here.</summary>
    public override IDisposable Lock(string path) => Open(path, create: true);

    protected string PathOf(SafeFileHandle file) => Paths.TryGetValue(file, out string? path) ? path : "";

    /// <summary>A write that nobody is asked about.</summary>
    protected internal void Store(SafeFileHandle file, ReadOnlySpan<byte> bytes, long position)
    {
        lock (_lock)
        {
            SimulatedFile target = FileOf(file);
            if (bytes.Length > 0)
            {
                target.Write(bytes, position);
                target.LastWriteUtc = NowUtc;
            }
        }
    }

    private void Rename(string from, string to)
    {
        Before?.Invoke(DiskOperation.Move, from);
        lock (_lock)
        {
            (SimulatedDirectory source, string oldName) = Parent(from);
            (SimulatedDirectory target, string newName) = Parent(to);
            if (!source.Entries.TryGetValue(oldName, out object? node))
            {
                throw new FileNotFoundException($"No file {from}");
            }

            if (!ReferenceEquals(source, target))
            {
                throw new NotSupportedException($"Renaming {from} to {to} crosses directories: its order after a crash would have to be thought about.");
            }

            // A longer name may need another block of the directory.
            TakeRoom(Math.Max(0, newName.Length - oldName.Length));
            source.Change(oldName, newName, node);
        }
    }

    private void TakeRoom(long bytes)
    {
        if (Room is { } room && bytes > 0)
        {
            Room = bytes <= room ? room - bytes : throw new DiskFullException("No space left on device");
        }
    }

    private static void Collect(SimulatedDirectory directory, string prefix, List<string> paths)
    {
        foreach ((string name, object node) in directory.Entries)
        {
            if (node is SimulatedDirectory inner)
            {
                Collect(inner, prefix + name + "/", paths);
            }
            else
            {
                paths.Add(prefix + name);
            }
        }
    }

    private void See(DiskOperation operation, SafeFileHandle file)
    {
        ObjectDisposedException.ThrowIf(file.IsClosed, file);
        Before?.Invoke(operation, PathOf(file));
    }

    private SimulatedFile FileOf(SafeFileHandle file)
    {
        ObjectDisposedException.ThrowIf(file.IsClosed, file);
        return _open.TryGetValue(file, out SimulatedFile? found) ? found : throw new ObjectDisposedException("The handle is of another disk.");
    }

    private object? Find(string path)
    {
        object? at = _root;
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            at = at is SimulatedDirectory directory ? directory.Entries.GetValueOrDefault(part) : null;
        }

        return at;
    }

    private SimulatedDirectory DirectoryOf(string path) => Find(path) as SimulatedDirectory ?? throw new DirectoryNotFoundException($"No directory {path}");

    private (SimulatedDirectory Directory, string Name) Parent(string path)
    {
        int slash = path.LastIndexOf('/');
        return (DirectoryOf(path[..slash]), path[(slash + 1)..]);
    }
}
