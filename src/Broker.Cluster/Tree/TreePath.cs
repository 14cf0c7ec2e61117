using System.Buffers;
using System.Text;

namespace Broker.Cluster;

/// <summary>Rules of paths: absolute, no empty, "." or ".." parts, no trailing slash, none of the characters that ZooKeeper refuses.</summary>
public static class TreePath
{
    /// <summary>The file format's length field; far more than any path of Kafka's.</summary>
    private const int MaxBytes = short.MaxValue;

    private static readonly SearchValues<char> Forbidden = SearchValues.Create(
        [.. Range('\0', '\u001f'), .. Range('\u007f', '\u009f'), .. Range('\ud800', '\uf8ff'), .. Range('\ufff0', '\uffff')]);

    /// <param name="path">The path to judge.</param>
    /// <param name="operationIndex">For the exception.</param>
    /// <param name="numbered">A number will be appended, so the path may end in a slash.</param>
    public static void Validate(string path, int operationIndex = 0, bool numbered = false)
    {
        string? problem =
            path.Length == 0 || path[0] != '/' ? "a path starts with a slash"
            : path.Length > 1 && path[^1] == '/' && !numbered ? "a path does not end with a slash"
            : path.AsSpan().ContainsAny(Forbidden) ? "a path holds no control, private-use or surrogate characters"
            : path.Length > MaxBytes / 3 && Encoding.UTF8.GetByteCount(path) > MaxBytes - 10 ? $"a path has at most {MaxBytes - 10} bytes"
            : path.Length > 1 && HasBadPart(path.AsSpan(1), numbered) ? "a path has no empty, '.' or '..' parts"
            : null;
        if (problem is not null)
        {
            throw new CoordinationException(CoordinationError.BadArguments, path, $"Invalid path '{path}': {problem}", operationIndex);
        }
    }

    public static string Parent(string path)
    {
        int slash = path.LastIndexOf('/');
        return slash <= 0 ? "/" : path[..slash];
    }

    public static string Name(string path) => path[(path.LastIndexOf('/') + 1)..];

    private static bool HasBadPart(ReadOnlySpan<char> parts, bool numbered)
    {
        while (true)
        {
            int slash = parts.IndexOf('/');
            ReadOnlySpan<char> part = slash < 0 ? parts : parts[..slash];
            bool completedByNumber = numbered && slash < 0;
            if (part is "" or "." or ".." && !completedByNumber)
            {
                return true;
            }

            if (slash < 0)
            {
                return false;
            }

            parts = parts[(slash + 1)..];
        }
    }

    private static IEnumerable<char> Range(char first, char last)
    {
        for (int c = first; c <= last; c++)
        {
            yield return (char)c;
        }
    }
}
