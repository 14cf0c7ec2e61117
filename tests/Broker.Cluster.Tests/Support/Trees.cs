using System.Text;

namespace Broker.Cluster.Tests;

/// <summary>Short words for tests of trees.</summary>
internal static class Trees
{
    public static EmbeddedTree Open(this TemporaryDirectory directory, TimeProvider? time = null, long snapshotAfterBytes = long.MaxValue / 2, Action<TreeFileStep>? beforeStep = null) =>
        EmbeddedTree.Open(directory.Path, time ?? TimeProvider.System, null, snapshotAfterBytes, beforeStep);

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    public static async Task<CoordinationException> RefusesAsync(CoordinationError error, Func<Task> action)
    {
        CoordinationException refusal = await Assert.ThrowsAsync<CoordinationException>(action);
        Assert.Equal(error, refusal.Error);
        return refusal;
    }

    /// <summary>Ends a tree as a kill would: what its disposal wrote is cut off again.</summary>
    public static async Task KillAsync(this TemporaryDirectory directory, EmbeddedTree tree)
    {
        long length = tree.LogBytes;
        await tree.DisposeAsync();
        using FileStream log = File.Open(directory.LogFile, FileMode.Open);
        Assert.True(log.Length >= length, "disposal made a snapshot");
        log.SetLength(length);
    }

    /// <summary>Every node with its bytes and stat, one line each, for comparison.</summary>
    public static async Task<string> DumpAsync(this ICoordinationTree tree, bool withStat = true)
    {
        var lines = new StringBuilder();
        await DumpAsync(tree, "/", withStat, lines);
        return lines.ToString();
    }

    private static async Task DumpAsync(ICoordinationTree tree, string path, bool withStat, StringBuilder lines)
    {
        TreeNode node = await tree.GetAsync(path);
        lines.Append(path).Append(' ').Append(Convert.ToHexString(node.Data)).Append(' ').AppendLine(withStat ? node.Stat.ToString() : node.Stat.Version.ToString());
        foreach (string child in await tree.ChildrenAsync(path))
        {
            await DumpAsync(tree, path == "/" ? $"/{child}" : $"{path}/{child}", withStat, lines);
        }
    }
}
