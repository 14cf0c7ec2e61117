namespace Broker.EndToEnd;

/// <summary>The one server that a test is about, with what tests do to it. Disposal stops it and removes its directory.</summary>
internal interface IServerUnderTest : IAsyncDisposable
{
    string Bootstrap { get; }

    int Port { get; }

    /// <summary>Where the logs of its partitions lie.</summary>
    string DataDirectory { get; }

    /// <summary>SIGKILL.</summary>
    Task KillAsync();

    /// <summary>Starts it again on the same port and directory; returns when it answers.</summary>
    Task RestartAsync();
}
