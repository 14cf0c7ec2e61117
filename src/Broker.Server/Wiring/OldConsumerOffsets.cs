using System.Globalization;
using System.Text;

namespace Broker.Server;

/// <summary>
/// Offsets of consumers from before groups had a coordinator: OffsetCommit and OffsetFetch version 0 keep them under
/// /consumers/GROUP/offsets/TOPIC/PARTITION as decimal text. Blocks on the tree's sync: never called on a transport thread.
/// </summary>
internal sealed class OldConsumerOffsets(BrokerServices services)
{
    public async Task WriteAsync(string group, string topic, int partition, long offset)
    {
        string path = Path(group, topic, partition);
        byte[] text = Encoding.UTF8.GetBytes(offset.ToString(CultureInfo.InvariantCulture));
        for (int slash = path.IndexOf('/', 1); slash > 0; slash = path.IndexOf('/', slash + 1))
        {
            if (await services.Tree.ExistsAsync(path[..slash]).ConfigureAwait(false) is null)
            {
                await services.Tree.CreateAsync(path[..slash], default).ConfigureAwait(false);
            }
        }

        if (await services.Tree.ExistsAsync(path).ConfigureAwait(false) is null)
        {
            await services.Tree.CreateAsync(path, text).ConfigureAwait(false);
        }
        else
        {
            await services.Tree.SetAsync(path, text).ConfigureAwait(false);
        }
    }

    /// <summary>The offset, or null when none was committed.</summary>
    public async Task<long?> ReadAsync(string group, string topic, int partition)
    {
        string path = Path(group, topic, partition);
        return await services.Tree.ExistsAsync(path).ConfigureAwait(false) is null
            ? null
            : long.TryParse(Encoding.UTF8.GetString((await services.Tree.GetAsync(path).ConfigureAwait(false)).Data), CultureInfo.InvariantCulture, out long offset) ? offset : null;
    }

    private static string Path(string group, string topic, int partition) => $"/consumers/{group}/offsets/{topic}/{partition.ToString(CultureInfo.InvariantCulture)}";
}
