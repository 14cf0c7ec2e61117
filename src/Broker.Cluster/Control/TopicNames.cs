namespace Broker.Cluster;

/// <summary>Kafka's rules for topic names.</summary>
public static class TopicNames
{
    private const int MaxLength = 249;

    /// <summary>What is wrong with a name, in words, or null.</summary>
    public static string? Validate(string name)
    {
        if (name.Length == 0)
        {
            return "Topic name is invalid: the empty string is not allowed";
        }

        if (name is "." or "..")
        {
            return $"Topic name is invalid: '{name}' is not allowed";
        }

        if (name.Length > MaxLength)
        {
            return $"Topic name is invalid: the length of '{name}' is longer than the max allowed length {MaxLength}";
        }

        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
            {
                return $"Topic name is invalid: '{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
            }
        }

        return null;
    }

    /// <summary>Metric names cannot tell '.' from '_', so two topics that differ only there collide.</summary>
    public static bool Collide(string a, string b)
    {
        if (a.Length != b.Length || a == b)
        {
            return false;
        }

        for (int i = 0; i < a.Length; i++)
        {
            if (a[i] != b[i] && !(a[i] is '.' or '_' && b[i] is '.' or '_'))
            {
                return false;
            }
        }

        return true;
    }
}
