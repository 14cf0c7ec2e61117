namespace Broker.Configuration;

/// <summary>Finds the key that somebody probably meant.</summary>
internal static class Suggestion
{
    /// <summary>A hint such as ` Did you mean x?`, or an empty text.</summary>
    public static string For(string name)
    {
        if (TopicConfigKeys.TryFind(name, out var topicKey) && topicKey.Synonyms is [var broker, ..])
        {
            return $" It is a key of topics; the broker's default for topics is {broker.Name}.";
        }

        ConfigKey? best = null;
        var bestDistance = Math.Max(2, name.Length / 5) + 1;
        foreach (var key in ConfigKeys.All)
        {
            if (Math.Abs(key.Name.Length - name.Length) < bestDistance && Distance(key.Name, name) is var distance && distance < bestDistance)
            {
                (best, bestDistance) = (key, distance);
            }
        }

        return best is null ? "" : $" Did you mean {best.Name}?";
    }

    // Levenshtein; names are short and this runs once per unknown key at start.
    private static int Distance(string a, string b)
    {
        Span<int> row = stackalloc int[256];
        if (b.Length >= row.Length)
        {
            return int.MaxValue;
        }

        for (var j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + cost));
            }
        }

        return row[b.Length];
    }
}
