namespace Broker.ZooKeeper;

/// <summary>Between the client's paths and those of the server, which begin with the chroot.</summary>
internal static class ServerPaths
{
    public static string Full(string chroot, string path) => chroot.Length == 0 ? path : path == "/" ? chroot : chroot + path;

    /// <summary>A path that is not below the chroot stays as it is.</summary>
    public static string Own(string chroot, string path) =>
        chroot.Length == 0 || !path.StartsWith(chroot, StringComparison.Ordinal) ? path
        : path.Length == chroot.Length ? "/"
        : path[chroot.Length] == '/' ? path[chroot.Length..]
        : path;
}
