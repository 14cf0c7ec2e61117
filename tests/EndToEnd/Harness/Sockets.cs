using System.Globalization;

namespace Broker.EndToEnd;

/// <summary>Established connections that a process holds at this moment.</summary>
internal static class Sockets
{
    private const string Established = "01";
    private const int Local = 1, Remote = 2, State = 3, Inode = 9;

    /// <summary>Those it has made to a port.</summary>
    public static int To(int processId, int port) => Count(processId, Remote, port);

    /// <summary>Those it has accepted on a port; the system takes more on its behalf.</summary>
    public static int AcceptedOn(int processId, int port) => Count(processId, Local, port);

    private static int Count(int processId, int side, int port)
    {
        // One that was closed since it was listed has no target; only those that are kept open are to be counted.
        HashSet<string> own = [.. Directory.GetFiles($"/proc/{processId}/fd").Select(fd => new FileInfo(fd).LinkTarget).OfType<string>()];
        string ending = $":{port.ToString("X4", CultureInfo.InvariantCulture)}";
        return ((string[])["tcp", "tcp6"]).SelectMany(kind => File.ReadLines($"/proc/{processId}/net/{kind}").Skip(1)).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Count(columns => columns[State] == Established && columns[side].EndsWith(ending, StringComparison.Ordinal) && own.Contains($"socket:[{columns[Inode]}]"));
    }
}
