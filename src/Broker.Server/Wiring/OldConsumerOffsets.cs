using System.Globalization;
using System.Text;
using Broker.Cluster;

namespace Broker.Server;

/// <summary>
/// Offsets of consumers from before groups had a coordinator: OffsetCommit and OffsetFetch version 0 keep them under
/// /consumers/GROUP/offsets/TOPIC/PARTITION as decimal text. Blocks on the tree's sync: never called on a transport thread.
/// </summary>
internal sealed class OldConsumerOffsets(ICoordinationTree tree)
{
    public async Task WriteAsync(string group, string topic, int partition, long offset)
    {
        string path = Path(group, topic, partition);
        byte[] text = Encoding.UTF8.GetBytes(offset.ToString(CultureInfo.InvariantCulture));
        for (int slash = path.IndexOf('/', 1); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            if (await tree.ExistsAsync(path[..slash]).ConfigureAwait(false) is null)
            {
                await tree.CreateAsync(path[..slash], default).ConfigureAwait(false);
            }
        }

        if (await tree.ExistsAsync(path).ConfigureAwait(false) is null)
        {
            await tree.CreateAsync(path, text).ConfigureAwait(false);
        }
        else
        {
            await tree.SetAsync(path, text).ConfigureAwait(false);
        }
    }

    /// <summary>The offset, or null when none was committed.</summary>
    public async Task<long?> ReadAsync(string group, string topic, int partition)
    {
        string path = Path(group, topic, partition);
        return await tree.ExistsAsync(path).ConfigureAwait(false) is null
            ? null
            : long.TryParse(Encoding.UTF8.GetString((await tree.GetAsync(path).ConfigureAwait(false)).Data), CultureInfo.InvariantCulture, out long offset) ? offset : null;
    }

    private static string Path(string group, string topic, int partition) => $"/consumers/{group}/offsets/{topic}/{partition.ToString(CultureInfo.InvariantCulture)}";
}
