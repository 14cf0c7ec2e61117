using System.Globalization;
using System.Text;

namespace Broker.Storage;

/// <summary>What a log directory's meta.properties says. Version 0 is a broker of ZooKeeper mode, 1 one of KRaft.</summary>
public sealed record MetaProperties(int Version, string? ClusterId, int? BrokerId)
{
    internal const string FileName = "meta.properties";

    private static readonly string[] KnownKeys = ["version", "broker.id", "node.id", "cluster.id", "directory.id"];

    /// <summary>The file of a directory; null when there is none. The first start decides on cluster.id and an automatic broker.id with it.</summary>
    /// <exception cref="LoadException">The file cannot be understood.</exception>
    public static MetaProperties? Read(string directory) => Read(LogFiles.Disk, directory);

    internal static MetaProperties? Read(LogFiles files, string directory)
    {
        string path = Path.Combine(directory, FileName);
        if (!files.Exists(path))
        {
            return null;
        }

        Dictionary<string, string> values = Parse(Encoding.Latin1.GetString(files.ReadAll(path)));
        int version = Number(values, "version", path) ?? 0;
        string idKey = version == 0 ? "broker.id" : "node.id";
        MetaProperties found = new(version, values.GetValueOrDefault("cluster.id"), Number(values, idKey, path));
        if (found.BrokerId is null || (found.ClusterId is null && values.Keys.Any(static key => !KnownKeys.Contains(key))))
        {
            // To write it again would be to take over a directory that may belong to another broker.
            throw new LoadException(
                $"{path} is damaged: it has no {(found.BrokerId is null ? idKey : "cluster.id")}, only the keys '{string.Join("', '", values.Keys)}'. Restore the file, or remove it to have it written again.");
        }

        return found;
    }

    internal static void Check(MetaProperties stored, string directory, string? clusterId, int brokerId)
    {
        string path = Path.Combine(directory, FileName);
        if (stored.Version != 0)
        {
            throw new LoadException(
                $"Found unexpected version in {path}. ZK-based brokers that are not migrating only support version 0 (which is implicit when the `version` field is missing).");
        }

        if (clusterId is not null && stored.ClusterId is not null && stored.ClusterId != clusterId)
        {
            throw new LoadException($"Invalid cluster.id in: {path}. Expected {clusterId}, but read {stored.ClusterId}");
        }

        if (stored.BrokerId is { } id && id != brokerId)
        {
            throw new LoadException(
                $"Stored node id {id} doesn't match previous node id {brokerId} in {path}. If you moved your data, make sure your configured node id matches. "
                + "If you intend to create a new node, you should remove all data in your data directories.");
        }
    }

    internal void Write(LogFiles files, string directory, DateTimeOffset now)
    {
        StringBuilder text = new();
        text.Append("#\n").Append(CultureInfo.InvariantCulture, $"#{now.UtcDateTime:ddd MMM dd HH:mm:ss} UTC {now.UtcDateTime:yyyy}\n");
        text.Append(CultureInfo.InvariantCulture, $"broker.id={BrokerId}\n");
        text.Append(CultureInfo.InvariantCulture, $"version={Version}\n");
        if (ClusterId is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"cluster.id={Escape(ClusterId)}\n");
        }

        files.Replace(Path.Combine(directory, FileName), Encoding.Latin1.GetBytes(text.ToString()), durable: true);
    }

    private static int? Number(Dictionary<string, string> values, string key, string path)
    {
        if (!values.TryGetValue(key, out string? text))
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new LoadException($"Unable to parse {key}='{text}' in {path} as a number. Restore the file, or remove it to have it written again.");
    }

    /// <summary>The part of Java's properties format that such a file can contain: comments, key and value split at the first of = : or space, escapes.</summary>
    private static Dictionary<string, string> Parse(string text)
    {
        Dictionary<string, string> values = new(StringComparer.Ordinal);
        foreach (string raw in text.Split('\n'))
        {
            string line = raw.Trim();
            if (line.Length == 0 || line[0] is '#' or '!')
            {
                continue;
            }

            int split = line.AsSpan().IndexOfAny('=', ':', ' ');
            string key = split < 0 ? line : line[..split];
            values[key] = split < 0 ? "" : line[(split + 1)..].TrimStart(' ', '=', ':').Replace("\\", "", StringComparison.Ordinal);
        }

        return values;
    }

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("=", "\\=", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);
}
