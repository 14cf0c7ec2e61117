using Microsoft.Extensions.Time.Testing;

namespace Broker.ZooKeeper.Tests;

/// <summary>Peers that do not keep the protocol: every one ends in a clear failure, and never in a wrong answer.</summary>
public sealed class BrokenServerTests
{
    private static readonly object[] Stat = [1L, 1L, 1L, 1L, 0, 0, 0, 0L, 0, 0, 1L];

    public static TheoryData<string, byte[]> BadFrames => new()
    {
        { "-1 bytes", [0xff, 0xff, 0xff, 0xff] },
        { "2147483647 bytes", [0x7f, 0xff, 0xff, 0xff] },
        { "4194305 bytes", [0, 0x40, 0, 1] },
        { "cut short", [0, 0, 0, 4, 0, 0, 0, 1] },
        { "cut short", [0, 0, 0, 0] },
    };

    [Theory]
    [MemberData(nameof(BadFrames))]
    public async Task Frames_with_impossible_lengths_end_the_connection(string problem, byte[] bytes)
    {
        await using var server = new FakeServer(async c =>
        {
            await c.WelcomeAsync();
            await c.RequestAsync();
            await c.SendRawAsync(bytes);
            await c.SilenceAsync();
        });
        await using ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(server.Options, TimeProvider.System);

        var failure = await Assert.ThrowsAsync<ZooKeeperProtocolException>(() => client.DeleteAsync("/a"));

        Assert.Contains(problem, failure.Message, StringComparison.Ordinal);
        Assert.True(failure.IsOutcomeUnknown);
    }

    public static TheoryData<string, object[]> BadBodies => new()
    {
        { "1073741824 elements", [1 << 30] },
        { "-7 elements", [-7] },
        { "cut short", [1, "name"] },
        { "cut short", [1, 500] },
        { "cut short", [] },
        { "not UTF-8", [1, new byte[] { 0xc3, 0x28 }] },
    };

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task Bodies_that_do_not_add_up_fail_their_request(string problem, object[] body)
    {
        await using var server = new FakeServer(async c =>
        {
            await c.WelcomeAsync();
            await c.AnswerNextAsync(body);
            await c.SilenceAsync();
        });
        await using ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(server.Options, TimeProvider.System);

        var failure = await Assert.ThrowsAsync<ZooKeeperProtocolException>(() => client.GetChildrenAsync("/"));

        Assert.Contains(problem, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_out_of_order_is_given_to_nobody()
    {
        await using var server = new FakeServer(async c =>
        {
            await c.WelcomeAsync();
            await c.RequestAsync();
            (int second, _) = await c.RequestAsync();
            await c.AnswerAsync(second, Stat);
            await c.SilenceAsync();
        });
        await using ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(server.Options, TimeProvider.System);

        Task<ZooKeeperStat> first = client.SetDataAsync("/a", default), second = client.SetDataAsync("/b", default);

        Assert.Contains("which was sent first", (await Assert.ThrowsAsync<ZooKeeperProtocolException>(() => first)).Message, StringComparison.Ordinal);
        Assert.True((await Assert.ThrowsAsync<ZooKeeperProtocolException>(() => second)).IsOutcomeUnknown);
    }

    [Fact]
    public async Task A_lost_connection_repeats_reads_in_order_and_no_change()
    {
        var asked = new List<OpCode>();
        await using var server = new FakeServer(
            async c =>
            {
                await c.WelcomeAsync();
                for (int i = 0; i < 3; i++)
                {
                    await c.RequestAsync();
                }

                // Half an answer.
                await c.SendRawAsync(0, 0, 0, 100, 1);
            },
            async c =>
            {
                await c.WelcomeAsync();
                for (int i = 0; i < 3; i++)
                {
                    (int xid, OpCode op) = await c.RequestAsync();
                    asked.Add(op);
                    await c.AnswerAsync(xid, op == OpCode.GetData ? [new byte[] { 7 }, .. Stat] : op == OpCode.Sync ? ["/"] : Stat);
                }

                await c.AnswerNextAsync();
            });
        await using ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(server.Options with { MaxInFlightRequests = 3 }, TimeProvider.System);

        Task<ZooKeeperStat?> exists = client.ExistsAsync("/a");
        Task<ZooKeeperStat> set = client.SetDataAsync("/a", default);
        Task<ZooKeeperNode> get = client.GetDataAsync("/a");
        Task sync = client.SyncAsync();

        var loss = await Assert.ThrowsAsync<ZooKeeperConnectionLossException>(() => set);
        Assert.True(loss.IsOutcomeUnknown);
        Assert.NotNull(await exists);
        Assert.Equal([7], (await get).Data);
        await sync;
        Assert.Equal([OpCode.Exists, OpCode.GetData, OpCode.Sync], asked);
    }

    [Fact]
    public async Task No_more_requests_are_on_their_way_than_allowed()
    {
        const int Limit = 2;
        int unanswered = 0, most = 0;
        await using var server = new FakeServer(async c =>
        {
            await c.WelcomeAsync();
            for (int i = 0; i < 10; i++)
            {
                // Reads ahead as far as the client goes, which is never further than the limit.
                var xids = new Queue<int>();
                for (; unanswered < Limit && i + unanswered < 10; unanswered++)
                {
                    xids.Enqueue((await c.RequestAsync()).Xid);
                }

                most = Math.Max(most, unanswered);
                for (; xids.TryDequeue(out int xid); unanswered--, i++)
                {
                    await c.AnswerAsync(xid, Stat);
                }

                i--;
            }

            await c.AnswerNextAsync();
        });
        await using ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(server.Options with { MaxInFlightRequests = Limit }, TimeProvider.System);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => client.SetDataAsync("/a", default)));

        Assert.Equal(Limit, most);
    }

    [Fact]
    public async Task Silence_is_broken_by_pings_and_a_silent_server_is_left()
    {
        var time = new FakeTimeProvider();
        var pinged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var returned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = new FakeServer(
            async c =>
            {
                await c.WelcomeAsync(9000);
                await c.ReadAsync();
                pinged.SetResult();
                await c.SilenceAsync();
            },
            async c =>
            {
                await c.WelcomeAsync(9000);
                returned.TrySetResult();
                await c.SilenceAsync();
            });
        ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(server.Options, time);
        TimeSpan started = TimeSpan.FromTicks(time.GetUtcNow().Ticks);

        await AdvanceUntilAsync(time, pinged.Task);
        Assert.InRange(time.GetUtcNow().Ticks - started.Ticks, TimeSpan.TicksPerSecond * 2, long.MaxValue);
        await AdvanceUntilAsync(time, returned.Task);

        Assert.Equal(FakeConnection.SessionId, client.SessionId);
        await AdvanceUntilAsync(time, client.DisposeAsync().AsTask());
    }

    [Fact]
    public async Task A_session_that_the_server_does_not_know_is_expired_for_everybody()
    {
        var states = new List<ZooKeeperState>();
        var events = new List<ZooKeeperEvent>();
        await using var server = new FakeServer(
            async c =>
            {
                await c.WelcomeAsync();
                await c.AnswerNextAsync(Stat);
                await c.RequestAsync();
            },
            async c =>
            {
                await c.ReadAsync();
                await c.SendAsync(0, 0, 0L, new byte[16], false);
            });
        await using ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(server.Options, TimeProvider.System, stateChanged: states.Add);
        await client.ExistsAsync("/a", events.Add);

        await Assert.ThrowsAsync<ZooKeeperSessionExpiredException>(() => client.ExistsAsync("/b"));

        Assert.Equal(ZooKeeperState.Expired, await client.Ended);
        await Assert.ThrowsAsync<ZooKeeperSessionExpiredException>(() => client.SetDataAsync("/a", default));
        Assert.Equal([ZooKeeperState.Connected, ZooKeeperState.Connecting, ZooKeeperState.Expired], states);
        Assert.Equal([new ZooKeeperEvent(ZooKeeperEventType.SessionExpired, "/a")], events);
    }

    [Fact]
    public async Task Nobody_there_is_said_with_what_was_tried()
    {
        int port = FreePorts.Find();
        var options = new ZooKeeperClientOptions(ZooKeeperConnectString.Parse($"127.0.0.1:{port}/kafka")) { ConnectionTimeoutMs = 300 };

        var failure = await Assert.ThrowsAsync<ZooKeeperConnectionLossException>(() => ZooKeeperClient.ConnectAsync(options, TimeProvider.System));

        Assert.False(failure.IsOutcomeUnknown);
        Assert.Contains($"127.0.0.1:{port}/kafka could be used within 300 ms", failure.Message, StringComparison.Ordinal);
        Assert.Contains("refused", failure.Message, StringComparison.Ordinal);
    }

    private static async Task AdvanceUntilAsync(FakeTimeProvider time, Task done)
    {
        while (!done.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Delay(1);
        }

        await done;
    }
}
