namespace Broker.Cluster;

/// <summary>Rules of paths: absolute, no empty, "." or ".." parts, no trailing slash, no control characters.</summary>
internal static class TreePath
{
    public static void Validate(string path)
    {
        string? problem =
            path.Length == 0 || path[0] != '/' ? "a path starts with a slash"
            : path.Length > 1 && path[^1] == '/' ? "a path does not end with a slash"
            : path.AsSpan().ContainsAnyInRange('\0', '\u001f') ? "a path holds no control characters"
            : path.Length > 1 && path[1..].Split('/').Any(part => part is "" or "." or "..") ? "a path has no empty, '.' or '..' parts"
            : null;
        if (problem is not null)
        {
            throw new CoordinationException(CoordinationError.BadArguments, path, $"Invalid path '{path}': {problem}");
        }
    }

    public static string Parent(string path)
    {
        int slash = path.LastIndexOf('/');
        return slash <= 0 ? "/" : path[..slash];
    }

    public static string Name(string path) => path[(path.LastIndexOf('/') + 1)..];
}
