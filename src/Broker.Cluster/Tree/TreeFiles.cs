using Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Broker.Cluster;

/// <summary>
/// The files of the embedded store, in one directory: <c>coordination.snapshot</c>, a whole tree, and <c>coordination.log</c>, the transactions since.
/// A transaction counts once its frame is in the log and synced; a frame torn by a crash is cut off at the next start. A frame that is whole but wrong,
/// with more after it, is damage that nobody may guess away: opening fails and says where.
/// Owned by <see cref="EmbeddedTree"/>, one caller at a time.
/// </summary>
internal sealed class TreeFiles : IDisposable
{
    public const string LogName = "coordination.log";
    public const string SnapshotName = "coordination.snapshot";

    private readonly string _directory;
    private readonly SafeFileHandle _log;
    private long _position;

    private TreeFiles(string directory, SafeFileHandle log)
    {
        _directory = directory;
        _log = log;
    }

    public long LogBytes => _position;

    /// <exception cref="InvalidDataException">A file is damaged; the message names it, the place and what to do.</exception>
    public static TreeFiles Open(string directory, out TreeState state)
    {
        Directory.CreateDirectory(directory);
        File.Delete(Path.Combine(directory, SnapshotName + ".tmp"));
        string logPath = Path.Combine(directory, LogName);
        state = LoadSnapshot(Path.Combine(directory, SnapshotName));
        var files = new TreeFiles(directory, File.OpenHandle(logPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read));
        try
        {
            files.Replay(state, logPath);
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Makes a transaction durable.</summary>
    public void Append(TreeTransaction transaction)
    {
        byte[] frame = TreeCodec.Frame(TreeCodec.Encode(transaction));
        RandomAccess.Write(_log, frame, _position);
        RandomAccess.FlushToDisk(_log);
        _position += frame.Length;
    }

    /// <summary>Replaces snapshot and log by a snapshot of now. A crash between the steps leaves a log whose transactions the snapshot already has; they are skipped by zxid.</summary>
    public void Snapshot(TreeState state)
    {
        string path = Path.Combine(_directory, SnapshotName);
        using (SafeFileHandle target = File.OpenHandle(path + ".tmp", FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(target, TreeCodec.Frame(TreeCodec.EncodeSnapshot(state)), 0);
            RandomAccess.FlushToDisk(target);
        }

        File.Move(path + ".tmp", path, overwrite: true);
        DirectorySync.Flush(_directory);
        RandomAccess.SetLength(_log, 0);
        RandomAccess.FlushToDisk(_log);
        _position = 0;
    }

    public void Dispose() => _log.Dispose();

    private static TreeState LoadSnapshot(string path)
    {
        if (!File.Exists(path))
        {
            return new TreeState();
        }

        try
        {
            return TreeCodec.TryUnframe(File.ReadAllBytes(path), out ReadOnlyMemory<byte> body)
                ? TreeCodec.DecodeSnapshot(body)
                : throw new InvalidDataException(
                    $"{path} is damaged: its checksum does not match. Restore the file from a backup, "
                    + $"or remove it together with {LogName} to start with an empty cluster (topics would have to be created again)");
        }
        catch (Exception e) when (e is ProtocolException or KeyNotFoundException)
        {
            throw new InvalidDataException($"{path} is damaged: {e.Message}", e);
        }
    }

    private void Replay(TreeState state, string path)
    {
        byte[] bytes = new byte[RandomAccess.GetLength(_log)];
        for (int read = 0; read < bytes.Length;)
        {
            read += RandomAccess.Read(_log, bytes.AsSpan(read), read);
        }

        ReadOnlyMemory<byte> rest = bytes;
        while (TreeCodec.TryUnframe(rest, out ReadOnlyMemory<byte> body))
        {
            Apply(state, body, path, bytes.Length - rest.Length);
            rest = rest[(TreeCodec.FrameBytes + body.Length)..];
        }

        _position = bytes.Length - rest.Length;
        if (rest.Length > 0)
        {
            ThrowUnlessTorn(rest, path);
            RandomAccess.SetLength(_log, _position);
            RandomAccess.FlushToDisk(_log);
        }
    }

    private static void Apply(TreeState state, ReadOnlyMemory<byte> body, string path, int position)
    {
        try
        {
            TreeTransaction transaction = TreeCodec.Decode(body);
            if (transaction.Zxid > state.LastZxid)
            {
                state.Apply(transaction);
            }
        }
        catch (Exception e) when (e is ProtocolException or KeyNotFoundException)
        {
            throw new InvalidDataException($"{path} is damaged at byte {position}: {e.Message}", e);
        }
    }

    /// <summary>A crash leaves at most one unfinished frame at the very end. A valid frame anywhere after the bad place means that synced data went bad.</summary>
    private void ThrowUnlessTorn(ReadOnlyMemory<byte> rest, string path)
    {
        for (int skip = 1; skip + TreeCodec.FrameBytes < rest.Length; skip++)
        {
            if (TreeCodec.TryUnframe(rest[skip..], out ReadOnlyMemory<byte> body) && body.Length >= 20)
            {
                throw new InvalidDataException(
                    $"{path} is damaged at byte {_position}: whole transactions follow a broken one, so this is no torn write of a crash. Restore the file from a backup, or cut it to {_position} bytes to give up what follows");
            }
        }
    }
}
