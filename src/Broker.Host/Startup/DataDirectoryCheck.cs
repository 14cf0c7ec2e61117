using System.Globalization;
using System.Runtime.InteropServices;
using Broker.Configuration;

namespace Broker.Host.Startup;

/// <summary>
/// Tries to write to the first log directory, where the broker keeps what it cannot start without, before anything else is done: the usual
/// trouble is a volume that belongs to another user, and the answer is to say which user needs which path.
/// </summary>
internal static partial class DataDirectoryCheck
{
    public static ConfigError? Run(BrokerConfig config)
    {
        var directory = Path.GetFullPath(config.LogDirs[0]);
        try
        {
            Directory.CreateDirectory(directory);
            using var probe = new FileStream(
                Path.Combine(directory, $".write-check-{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}"),
                FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new ConfigError(ConfigKeys.LogDirs.Name, config.LogDirs[0], null, $"Failed to create data directory {directory}: {failure.Message}", Remedy(directory));
        }
    }

    private static string Remedy(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            return $"Let {Environment.UserName} write to {directory}, or set log.dirs to another directory.";
        }

        var user = string.Create(CultureInfo.InvariantCulture, $"{GetEffectiveUserId()}");
        return $"The broker runs as user id {user}, who must be able to write to {directory} (for a volume: chown -R {user} on it), or set log.dirs to another directory.";
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
