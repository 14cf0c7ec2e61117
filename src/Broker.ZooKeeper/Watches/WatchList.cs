namespace Broker.ZooKeeper;

/// <summary>The watches of a session, to be set again on a new connection.</summary>
internal sealed record WatchList(List<string> Data, List<string> Existence, List<string> Children, List<string> Persistent, List<string> Recursive)
{
    /// <summary>Servers take frames up to 1 MiB by default; far below it, and still few frames for many watches.</summary>
    private const int ChunkBytes = 128 * 1024;

    /// <summary>
    /// The requests that set all of them: the server compares every node with <paramref name="lastZxid"/> and at once tells of those that changed since.
    /// </summary>
    public List<ArraySegment<byte>> Frames(long lastZxid)
    {
        var frames = new List<ArraySegment<byte>>();
        List<string>[] lists = [Data, Existence, Children, Persistent, Recursive];
        int[] next = new int[lists.Length];
        while (true)
        {
            List<string>[] chunk = [[], [], [], [], []];
            int bytes = 0;
            for (int i = 0; i < lists.Length; i++)
            {
                for (; next[i] < lists[i].Count && bytes < ChunkBytes; next[i]++)
                {
                    chunk[i].Add(lists[i][next[i]]);
                    bytes += lists[i][next[i]].Length + sizeof(int);
                }
            }

            if (bytes == 0)
            {
                return frames;
            }

            frames.Add(Frame(chunk, lastZxid));
        }
    }

    private static ArraySegment<byte> Frame(ReadOnlySpan<List<string>> lists, long lastZxid)
    {
        // Servers before 3.6 know the older request only, and have no persistent watches.
        bool old = lists[3].Count == 0 && lists[4].Count == 0;
        var writer = new JuteWriter();
        writer.Write(ReservedXid.SetWatches);
        writer.Write((int)(old ? OpCode.SetWatches : OpCode.SetWatches2));
        writer.Write(lastZxid);
        foreach (List<string> list in old ? lists[..3] : lists)
        {
            writer.Write(list);
        }

        return writer.Finish();
    }
}
