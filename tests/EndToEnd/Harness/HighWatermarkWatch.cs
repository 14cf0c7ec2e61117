using System.Net.Sockets;

namespace Broker.EndToEnd;

/// <summary>
/// Asks every broker all the time who leads, and whoever leads in the latest leader epoch how far each partition can be read. What was once shown never goes back, whoever
/// leads. A leader that has not heard yet of a later epoch does not know that one, and its answer is none: that is what leader epochs are for (KIP-320).
/// </summary>
internal sealed class HighWatermarkWatch : IAsyncDisposable
{
    private const short ListOffsets = 2;
    private const short FencedLeaderEpoch = 74, UnknownLeaderEpoch = 75, OffsetNotAvailable = 78, NotLeader = 6, UnknownTopic = 3, StorageError = 56;
    private const int PauseMs = 20;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(1000);

    private readonly string _topic;
    private readonly Lock _lock = new();
    private readonly (int Leader, int Epoch, long Highest)[] _known;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _watching;
    private int _shown;
    private int _withheld;

    public HighWatermarkWatch(IReadOnlyList<ClusterMember> members, string topic, int partitions)
    {
        _topic = topic;
        _known = [.. Enumerable.Repeat((-1, -1, 0L), partitions)];
        _watching = [.. members.Select(m => Task.Run(() => WatchAsync(m)))];
    }

    /// <summary>How often a high watermark was shown, and how often a new leader did not say it yet.</summary>
    public string Summary => $"{_shown} high watermarks shown, {_withheld} withheld";

    /// <summary>Throws what was found wrong.</summary>
    public void Check()
    {
        foreach (Task watching in _watching.Where(w => w.IsCompleted))
        {
            watching.GetAwaiter().GetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // What it found is thrown by Check; here it only has to have ended.
        await Task.WhenAll(_watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task WatchAsync(ClusterMember member)
    {
        RawConnection? connection = null;
        for (int question = 0; !_stop.IsCancellationRequested; question++)
        {
            try
            {
                connection ??= await RawConnection.OpenAsync(member.Address, member.Port, Patience);
                await connection.SendAsync(RawMetadata.Request(question, _topic));
                Learn(RawMetadata.Read(await AnswerAsync(connection, question)));
                await AskAsync(connection, member.Id, ++question);
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // It is away; its next answer comes on another connection, so that none is taken for that to a later question.
                connection?.Dispose();
                connection = null;
            }

            await Task.Delay(PauseMs);
        }

        connection?.Dispose();
    }

    private void Learn(RawMetadata metadata)
    {
        lock (_lock)
        {
            foreach (RawPartition partition in metadata.Partitions)
            {
                (int Leader, int Epoch, long Highest) known = _known[partition.Index];
                _known[partition.Index] = partition.Epoch > known.Epoch ? (partition.Leader, partition.Epoch, known.Highest) : known;
            }
        }
    }

    private async Task AskAsync(RawConnection connection, int leader, int question)
    {
        (int Leader, int Epoch, long Highest)[] before;
        lock (_lock)
        {
            before = [.. _known];
        }

        int[] led = [.. Enumerable.Range(0, before.Length).Where(p => before[p].Leader == leader)];
        if (led.Length == 0)
        {
            return;
        }

        RequestBytes request = RequestBytes.Request(ListOffsets, 5, question).Int32(-1).Int8(0).Int32(1).String(_topic).Int32(led.Length);
        foreach (int partition in led)
        {
            request.Int32(partition).Int32(before[partition].Epoch).Int64(-1);
        }

        await connection.SendAsync(request.ToArray());
        ResponseBytes answer = await AnswerAsync(connection, question);
        (answer.Int32(), answer.Int32(), answer.String()).GetHashCode();
        for (int partitions = answer.Int32(); partitions > 0; partitions--)
        {
            (int partition, short error, _, long offset, _) = (answer.Int32(), answer.Int16(), answer.Int64(), answer.Int64(), answer.Int32());
            Take(leader, partition, error, offset, before[partition].Epoch, before[partition].Highest);
        }
    }

    private void Take(int leader, int partition, short error, long offset, int epoch, long floor)
    {
        if (error != 0)
        {
            Assert.True(error is FencedLeaderEpoch or UnknownLeaderEpoch or OffsetNotAvailable or NotLeader or UnknownTopic or StorageError, $"{_topic}-{partition}: ListOffsets is answered with {error} by broker {leader}");
            Interlocked.Add(ref _withheld, error == OffsetNotAvailable ? 1 : 0);
            return;
        }

        Assert.True(offset >= floor, $"{_topic}-{partition}: the high watermark was {floor}; broker {leader}, which leads in epoch {epoch}, says {offset}");
        Interlocked.Increment(ref _shown);
        lock (_lock)
        {
            _known[partition].Highest = Math.Max(_known[partition].Highest, offset);
        }
    }

    private static async Task<ResponseBytes> AnswerAsync(RawConnection connection, int question)
    {
        var answer = new ResponseBytes(await connection.ReceiveAsync() ?? throw new IOException("closed"));
        Assert.Equal(question, answer.Int32());
        return answer;
    }
}
