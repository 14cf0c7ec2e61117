namespace Broker.Storage;

/// <summary>How much a log directory may still take.</summary>
internal enum DiskRoom
{
    /// <summary>Far more than can be written before the next look.</summary>
    Plenty,

    /// <summary>Everything is taken, but bytes are counted so that the next look comes in time.</summary>
    Tight,

    /// <summary>Only the reserve is left: coordinators go on, so that consumers keep their groups; producers are refused.</summary>
    Reserve,

    /// <summary>Nothing is appended any more.</summary>
    None,
}
