using Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Broker.Cluster;

/// <summary>The writes of the embedded store, where a test may let one fail.</summary>
internal enum TreeFileStep
{
    AppendWrite,
    AppendSync,
    AppendUndo,
    SnapshotWrite,
    SnapshotSync,
    SnapshotRename,
    LogCut,
}

/// <summary>
/// The files of the embedded store, in one directory: <c>coordination.snapshot</c>, a whole tree, and <c>coordination.log</c>, the transactions since.
/// They are plain files because Kafka refuses directories it does not know in a log directory, but no files.
/// A transaction counts once its frame is in the log and synced; a frame torn by a crash is cut off at the next start. A frame that is whole but wrong,
/// with more after it, is damage that nobody may guess away: opening fails and says where.
/// The log is locked while it is open. Owned by <see cref="EmbeddedTree"/>, one caller at a time.
/// </summary>
internal sealed class TreeFiles : IDisposable
{
    public const string LogName = "coordination.log";
    public const string SnapshotName = "coordination.snapshot";

    private readonly string _directory;
    private readonly SafeFileHandle _log;
    private readonly Action<TreeFileStep>? _beforeStep;
    private Exception? _failure;

    private TreeFiles(string directory, SafeFileHandle log, Action<TreeFileStep>? beforeStep)
    {
        _directory = directory;
        _log = log;
        _beforeStep = beforeStep;
    }

    /// <summary>Where the next transaction goes.</summary>
    public long LogBytes { get; private set; }

    public long SnapshotBytes { get; private set; }

    private string LogPath => Path.Combine(_directory, LogName);

    private string SnapshotPath => Path.Combine(_directory, SnapshotName);

    /// <exception cref="InvalidDataException">A file is damaged; the message names it, the place and what to do.</exception>
    /// <exception cref="IOException">The directory cannot be used, or another process has it open.</exception>
    public static TreeFiles Open(string directory, Action<TreeFileStep>? beforeStep, out TreeState state)
    {
        Directory.CreateDirectory(directory);
        string logPath = Path.Combine(directory, LogName);
        bool isNew = !File.Exists(logPath);
        if (isNew && File.Exists(Path.Combine(directory, SnapshotName)))
        {
            // The log is made first and never removed: the changes since the snapshot are lost, and nobody may guess that there were none.
            throw new InvalidDataException(
                $"{logPath} is missing though {SnapshotName} is there. Restore both from the same backup, or make it as an empty file to give up the changes since the snapshot");
        }

        // Not shared: a second process that cut what it takes for a torn tail would destroy a transaction being written.
        var files = new TreeFiles(directory, File.OpenHandle(logPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None), beforeStep);
        try
        {
            if (isNew)
            {
                DirectorySync.Flush(directory);
            }

            File.Delete(files.SnapshotPath + ".tmp");
            state = files.LoadSnapshot();
            files.Replay(state);
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Makes a transaction durable.</summary>
    /// <exception cref="CoordinationException">StoreFailed.</exception>
    public void Append(TreeTransaction transaction)
    {
        if (_failure is not null)
        {
            throw Failed("An earlier change could not be made durable, so none is taken any more until the broker is restarted", _failure);
        }

        byte[] frame = TreeCodec.Frame(transaction);
        bool written = false;
        try
        {
            _beforeStep?.Invoke(TreeFileStep.AppendWrite);
            RandomAccess.Write(_log, frame, LogBytes);
            written = true;
            _beforeStep?.Invoke(TreeFileStep.AppendSync);
            RandomAccess.FlushToDisk(_log);
            LogBytes += frame.Length;
        }
        catch (IOException e)
        {
            // After a failed sync the system may have dropped the pages and call the next sync a success: nobody knows what is on the disk.
            if (!written && TryUndo())
            {
                throw Failed("The change was not made; it can be tried again when there is room", e);
            }

            _failure = e;
            throw Failed("Nobody knows whether the change was made until the broker is restarted", e);
        }
    }

    /// <summary>
    /// Replaces snapshot and log by a snapshot of now. A crash or failure between the steps leaves a log with transactions that the snapshot already has;
    /// their zxids tell. After a failure the files are as good as before.
    /// </summary>
    /// <exception cref="IOException">A step failed.</exception>
    public void Snapshot(TreeState state)
    {
        string temporary = SnapshotPath + ".tmp";
        byte[] frame = TreeCodec.FrameSnapshot(state);
        try
        {
            using SafeFileHandle target = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write);
            _beforeStep?.Invoke(TreeFileStep.SnapshotWrite);
            RandomAccess.Write(target, frame, 0);
            _beforeStep?.Invoke(TreeFileStep.SnapshotSync);
            RandomAccess.FlushToDisk(target);
        }
        catch (IOException)
        {
            // On a full disk it would stand in the way of its next attempt.
            File.Delete(temporary);
            throw;
        }

        _beforeStep?.Invoke(TreeFileStep.SnapshotRename);
        File.Move(temporary, SnapshotPath, overwrite: true);
        DirectorySync.Flush(_directory);
        SnapshotBytes = frame.Length;
        _beforeStep?.Invoke(TreeFileStep.LogCut);
        // Needs no sync of its own: a log that comes back after a crash is skipped, and the next append syncs the cut with itself.
        RandomAccess.SetLength(_log, 0);
        LogBytes = 0;
    }

    public void Dispose() => _log.Dispose();

    private bool TryUndo()
    {
        try
        {
            _beforeStep?.Invoke(TreeFileStep.AppendUndo);
            RandomAccess.SetLength(_log, LogBytes);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private CoordinationException Failed(string outcome, Exception cause) =>
        new(CoordinationError.StoreFailed, "/", $"Cannot write {LogPath}: {cause.Message} {outcome}", 0, cause);

    private TreeState LoadSnapshot()
    {
        if (!File.Exists(SnapshotPath))
        {
            return new TreeState();
        }

        byte[] bytes = File.ReadAllBytes(SnapshotPath);
        SnapshotBytes = bytes.Length;
        try
        {
            return TreeCodec.TryUnframe(bytes, out ReadOnlyMemory<byte> body) && body.Length == bytes.Length - TreeCodec.FrameBytes
                ? TreeCodec.DecodeSnapshot(body)
                : throw new InvalidDataException("its checksum does not match");
        }
        catch (Exception e) when (e is ProtocolException or InvalidDataException)
        {
            throw new InvalidDataException(
                $"{SnapshotPath} is damaged: {e.Message}. Restore it and {LogName} from the same backup, or remove both to start with an empty cluster; topics would have to be created again", e);
        }
    }

    private void Replay(TreeState state)
    {
        byte[] bytes = new byte[RandomAccess.GetLength(_log)];
        for (int read = 0, got = -1; read < bytes.Length && got != 0; read += got)
        {
            got = RandomAccess.Read(_log, bytes.AsSpan(read), read);
        }

        ReadOnlyMemory<byte> rest = bytes;
        while (TreeCodec.TryUnframe(rest, out ReadOnlyMemory<byte> body))
        {
            Apply(state, body, bytes.Length - rest.Length);
            rest = rest[(TreeCodec.FrameBytes + body.Length)..];
        }

        LogBytes = bytes.Length - rest.Length;
        if (rest.Length > 0)
        {
            ThrowUnlessTorn(rest);
            RandomAccess.SetLength(_log, LogBytes);
            RandomAccess.FlushToDisk(_log);
        }
    }

    private void Apply(TreeState state, ReadOnlyMemory<byte> body, long position)
    {
        try
        {
            TreeTransaction transaction = TreeCodec.DecodeTransaction(body);
            if (transaction.Zxid > state.LastZxid + 1)
            {
                throw new InvalidDataException($"change {transaction.Zxid} follows change {state.LastZxid}. Those between are missing: {SnapshotName} was removed, or is older than the log");
            }

            if (transaction.Zxid > state.LastZxid)
            {
                state.Apply(transaction);
            }
        }
        catch (Exception e) when (e is ProtocolException or InvalidDataException)
        {
            throw new InvalidDataException($"{LogPath} cannot be read at byte {position}: {e.Message}. Restore it and {SnapshotName} from the same backup", e);
        }
    }

    /// <summary>A crash leaves at most one unfinished frame at the very end. A valid frame anywhere after the bad place means that synced data went bad.</summary>
    private void ThrowUnlessTorn(ReadOnlyMemory<byte> rest)
    {
        for (int skip = 1; skip + TreeCodec.FrameBytes < rest.Length; skip++)
        {
            if (TreeCodec.TryUnframe(rest[skip..], out _))
            {
                throw new InvalidDataException(
                    $"{LogPath} is damaged at byte {LogBytes}: whole transactions follow a broken one, so this is no torn write of a crash. " +
                    $"Restore it and {SnapshotName} from the same backup, or cut it to {LogBytes} bytes to give up the changes that follow");
            }
        }
    }
}
