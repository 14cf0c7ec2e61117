namespace Broker.Storage;

/// <summary>What became of one step of a move.</summary>
internal enum MoveProgress
{
    /// <summary>There is more to copy.</summary>
    Copied,

    /// <summary>The copy has what the log had when the step began: it may take its place.</summary>
    CaughtUp,

    /// <summary>Not now: throttled, no room, or something that cannot be read. Tried again.</summary>
    Waiting,

    /// <summary>One of the two is offline or gone.</summary>
    Over,
}
