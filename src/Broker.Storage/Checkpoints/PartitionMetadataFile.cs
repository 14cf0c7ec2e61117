using System.Text;
using Broker.Protocol;

namespace Broker.Storage;

/// <summary>partition.metadata of a partition's directory: which topic id the files belong to.</summary>
internal static class PartitionMetadataFile
{
    /// <summary>Guid.Empty when the file is missing: a log from before topic ids.</summary>
    public static Guid Read(LogFiles files, string directory)
    {
        string path = Path.Combine(directory, LogFileNames.PartitionMetadata);
        if (!files.Exists(path))
        {
            return Guid.Empty;
        }

        string? version = null;
        string? topicId = null;
        foreach (string line in Encoding.UTF8.GetString(files.ReadAll(path)).Split('\n'))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string value = colon < 0 ? "" : line[(colon + 1)..].Trim();
            if (line.StartsWith("version:", StringComparison.Ordinal))
            {
                version = value;
            }
            else if (line.StartsWith("topic_id:", StringComparison.Ordinal))
            {
                topicId = value;
            }
        }

        if (version != "0" || !Uuids.TryParse(topicId, out Guid id) || id == Guid.Empty)
        {
            throw new InvalidDataException($"Malformed partition metadata file ({path}): version '{version}', topic_id '{topicId}'.");
        }

        return id;
    }

    public static void Write(LogFiles files, string directory, Guid topicId, bool durable) =>
        files.Replace(Path.Combine(directory, LogFileNames.PartitionMetadata), Encoding.UTF8.GetBytes($"version: 0\ntopic_id: {Uuids.ToText(topicId)}"), durable);

    /// <summary>Forces the file to the disk, if there is one.</summary>
    public static void Flush(LogFiles files, string directory)
    {
        string path = Path.Combine(directory, LogFileNames.PartitionMetadata);
        if (files.Exists(path))
        {
            using var file = files.Open(path, create: false);
            files.Flush(file);
        }
    }
}
