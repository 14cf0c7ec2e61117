namespace Broker.Storage;

/// <summary>
/// The space that is left. Appends ask <see cref="Admits"/>, one volatile read while there is plenty. Looked at once a second, and in between when what was appended since
/// the last look may have used up what it found.
/// </summary>
public sealed partial class LogDirectory
{
    private const long AutomaticReserve = 64L << 20;
    private const long PlentyBytes = 4L << 30;
    private const long LeastBudget = 256 << 10;
    private const long LeastMargin = 1 << 20;
    private const long MostMargin = 16 << 20;

    // A quota, or blocks that only the administrator may use, can refuse a write though the file system reports space. Not tried again at once then.
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(2);

    private readonly Lock _space = new();
    private volatile DiskRoom _room;
    private volatile string? _refusal;
    private long _budget;
    private long _failedAt;
    private bool _hasFailed;

    /// <summary>Raised, on any thread, after a full directory has room again.</summary>
    internal event Action? RoomFound;

    internal DiskRoom Room => _room;

    /// <summary>Why producers are refused, for them and for the operator; null when they are not.</summary>
    internal string? Refusal => _refusal;

    /// <summary>log.dirs.min.free.bytes; -1: 64 MiB, but at most a twentieth of the file system.</summary>
    internal long MinFreeBytes { get; init; } = -1;

    internal TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Whether that many bytes may be appended.</summary>
    internal bool Admits(int bytes, AppendOrigin origin)
    {
        DiskRoom room = _room;
        if (room == DiskRoom.Plenty)
        {
            return true;
        }

        if (room == DiskRoom.Tight && Interlocked.Add(ref _budget, -bytes) < 0)
        {
            CheckSpace();
            room = _room;
        }

        return room <= DiskRoom.Tight || (room == DiskRoom.Reserve && origin == AppendOrigin.Coordinator);
    }

    /// <summary>Whether background work may use that much for a while without touching what is kept for metadata.</summary>
    internal bool HasRoomToWork(long bytes)
    {
        (long total, long usable) = _files.Space(Path);
        return _room <= DiskRoom.Tight && (usable < 0 || usable - bytes >= ReserveOf(total));
    }

    /// <summary>A write found no room. True, for exception filters.</summary>
    internal bool RanFull()
    {
        lock (_space)
        {
            _hasFailed = true;
            _failedAt = Time.GetTimestamp();
            (long total, long usable) = _files.Space(Path);
            Enter(DiskRoom.None, total, usable);
        }

        return true;
    }

    internal void CheckSpace()
    {
        bool isFound;
        lock (_space)
        {
            if (!_isOnline || (_hasFailed && Time.GetElapsedTime(_failedAt) < PauseAfterFailure))
            {
                return;
            }

            _hasFailed = false;
            (long total, long usable) = _files.Space(Path);
            DiskRoom before = _room;
            Enter(usable < 0 ? DiskRoom.Plenty : RoomOf(usable, ReserveOf(total)), total, usable);
            isFound = before >= DiskRoom.Reserve && _room <= DiskRoom.Tight;
        }

        if (isFound)
        {
            RoomFound?.Invoke();
        }
    }

    /// <summary>Room is found a little later than it is lost, so that a directory at the limit does not change its mind with every segment.</summary>
    private DiskRoom RoomOf(long usable, long reserve)
    {
        long margin = Math.Clamp(reserve / 4, LeastMargin, MostMargin);
        bool isFull = _room >= DiskRoom.Reserve;
        if (usable < reserve + (isFull ? margin : 0))
        {
            return usable < (reserve / 2) + (_room == DiskRoom.None ? margin / 2 : 0) ? DiskRoom.None : DiskRoom.Reserve;
        }

        long above = usable - reserve;
        Volatile.Write(ref _budget, Math.Max(LeastBudget, above / 2));
        return above < PlentyBytes ? DiskRoom.Tight : DiskRoom.Plenty;
    }

    private void Enter(DiskRoom room, long total, long usable)
    {
        bool wasFull = _room >= DiskRoom.Reserve;
        _room = room;
        if (room >= DiskRoom.Reserve && !wasFull)
        {
            long reserve = ReserveOf(total);
            _refusal = $"log directory {Path} is full: {usable} bytes are free, log.dirs.min.free.bytes keeps {reserve}";
            _logger.DirectoryFull(Path, usable, reserve);
        }
        else if (room <= DiskRoom.Tight && wasFull)
        {
            _refusal = null;
            _logger.DirectoryHasRoom(Path, usable);
        }
    }

    private long ReserveOf(long total) => MinFreeBytes >= 0 ? MinFreeBytes : total < 0 ? AutomaticReserve : Math.Min(AutomaticReserve, total / 20);
}
