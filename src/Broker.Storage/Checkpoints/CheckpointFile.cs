using System.Globalization;
using System.Text;

namespace Broker.Storage;

/// <summary>Kafka's text checkpoints: a version line "0", the number of entries, then one entry a line.</summary>
internal static class CheckpointFile
{
    /// <summary>The entry lines; null when the file is missing or empty. <see cref="InvalidDataException"/> says what is wrong with it.</summary>
    public static string[]? ReadLines(LogFiles files, string path)
    {
        if (!files.Exists(path))
        {
            return null;
        }

        byte[] bytes = files.ReadAll(path);
        if (bytes.Length > 0 && bytes[^1] != (byte)'\n')
        {
            // A number cut short would still be a number.
            throw new InvalidDataException($"Checkpoint file {path} does not end with a whole line");
        }

        string[] lines = Encoding.UTF8.GetString(bytes).Split('\n');
        int count = lines.Length;
        while (count > 0 && lines[count - 1].Length == 0)
        {
            count--;
        }

        if (count == 0)
        {
            return null;
        }

        if (lines[0].Trim() != "0")
        {
            throw new InvalidDataException($"Unrecognized version of the checkpoint file {path}: {lines[0]}");
        }

        if (count < 2 || !int.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out int expected) || expected != count - 2)
        {
            throw new InvalidDataException($"Expected {(count < 2 ? "an entry count" : lines[1])} entries in checkpoint file {path}, but found only {Math.Max(0, count - 2)}");
        }

        return lines[2..count];
    }

    public static byte[] Compose(IReadOnlyCollection<string> entries)
    {
        StringBuilder text = new();
        text.Append("0\n").Append(CultureInfo.InvariantCulture, $"{entries.Count}\n");
        foreach (string entry in entries)
        {
            text.Append(entry).Append('\n');
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
