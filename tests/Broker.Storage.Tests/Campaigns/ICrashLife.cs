namespace Broker.Storage.Tests;

/// <summary>A random life of a log, by a seed, whose disk may lose its power at any time.</summary>
internal interface ICrashLife
{
    LogManager? Manager { get; }

    /// <summary>What has happened, for people.</summary>
    string History { get; }

    void Start();

    /// <summary>One random step. False when a directory has gone offline.</summary>
    bool Step();

    /// <summary>Opens the disk that a power cut now leaves, and compares what is there with what was promised.</summary>
    void CheckAfterCrash(SimulatedDisk disk, Random random);
}
