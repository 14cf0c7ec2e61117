using System.Buffers.Binary;
using System.Text;
using Confluent.Kafka;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>Bytes that no client should send: each hurts its own connection at most, and the protocol's own answers to errors are given exactly.</summary>
public sealed class HostileInputTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const short ListOffsets = 2;
    private const short Metadata = 3;
    private const short ApiVersions = 18;
    private const int CorruptMessage = 2;
    private const int MessageTooLarge = 10;
    private const int UnsupportedVersion = 35;

    private BrokerProcess _broker = null!;

    public async Task InitializeAsync() => _broker = await BrokerProcess.StartAsync("auto.create.topics.enable=false");

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Fact]
    public async Task Ten_thousand_hostile_frames_disturb_nobody_else()
    {
        int seed = Setting("BROKER_TEST_SEED", Random.Shared.Next());
        int count = Setting("BROKER_LIVE_FUZZ_FRAMES", 10_000);
        output.WriteLine($"BROKER_TEST_SEED={seed} BROKER_LIVE_FUZZ_FRAMES={count}");
        var client = new ConfluentDotnet();
        await client.CreateTopicAsync(_broker.Bootstrap, "hostile", 1);
        await client.CreateTopicAsync(_broker.Bootstrap, "good", 2);
        await ProduceAndConsumeAsync("warm", 1000);
        (short Key, short Version)[] served = await ServedAsync();
        long before = ResidentKiB();

        using var stop = new CancellationTokenSource();
        Task<int> wellBehaved = LiveOnAsync(stop.Token);
        int sent = (await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => AttackAsync(new HostileFrames(seed + i, served), count / 16))))).Sum();
        await stop.CancelAsync();
        int rounds = await wellBehaved;

        long grown = ResidentKiB() - before;
        output.WriteLine($"{sent} frames over {served.Length} API versions, {rounds} rounds of the other client, {before} KiB before, {grown} KiB more after");
        Assert.True(rounds > 0, "the well-behaved client never finished a round");
        await AssertAliveAsync();
        Assert.DoesNotContain("defect of the broker", _broker.Log, StringComparison.Ordinal);
        Assert.True(grown < 150 * 1024, $"grew by {grown} KiB with seed {seed}");
        await _broker.StopAsync();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    [InlineData(104_857_601)]
    public async Task A_length_out_of_bounds_closes_its_connection_only(int length)
    {
        using RawConnection other = await RawConnection.OpenAsync(_broker.Port);
        await other.AskAsync(RequestBytes.Request(ApiVersions, 0, 1).ToArray());
        using RawConnection hostile = await RawConnection.OpenAsync(_broker.Port);
        await hostile.SendRawAsync(new RequestBytes().Int32(length).Int16(ApiVersions).ToArray());
        await hostile.AssertClosedAsync();
        await other.AskAsync(RequestBytes.Request(ApiVersions, 0, 2).ToArray());
    }

    [Theory]
    [InlineData(999, 0)]
    [InlineData(-1, 0)]
    [InlineData(4, 0)]
    [InlineData(Metadata, 99)]
    [InlineData(Metadata, -1)]
    public async Task An_unknown_api_or_version_is_closed_without_an_answer(short key, short version)
    {
        using RawConnection connection = await RawConnection.OpenAsync(_broker.Port);
        await connection.SendAsync(RequestBytes.Request(key, version, 1).ToArray());
        await connection.AssertClosedAsync();
        await AssertAliveAsync();
    }

    [Fact]
    public async Task ApiVersions_of_an_unknown_version_is_answered_in_the_v0_layout()
    {
        using RawConnection connection = await RawConnection.OpenAsync(_broker.Port);
        byte[] request = RequestBytes.Request(ApiVersions, 99, 7).Int8(0).CompactString("client").CompactString("1.0").Int8(0).ToArray();
        byte[] response = await connection.AskAsync(request);
        Assert.Equal(new RequestBytes().Int32(7).Int16(UnsupportedVersion).Int32(1).Int16(ApiVersions).Int16(0).Int16(4).ToArray(), response);
        await connection.AskAsync(RequestBytes.Request(ApiVersions, 0, 8).ToArray());
    }

    [Fact]
    public async Task Bytes_after_the_last_field_are_ignored()
    {
        using RawConnection connection = await RawConnection.OpenAsync(_broker.Port);

        // All topics as librdkafka asks for them: a null array of four bytes where one would do, which leaves three at the end.
        byte[] allTopics = RequestBytes.Request(Metadata, 13, 1).Int8(0).Int32(0).Int8(0).Int8(0).Int8(0).ToArray();
        await connection.AskAsync(allTopics);
        await connection.AskAsync(RequestBytes.Request(ApiVersions, 0, 2).ToArray());
    }

    [Fact]
    public async Task A_corrupt_and_an_oversize_batch_are_refused_and_nothing_is_appended()
    {
        await new ConfluentDotnet().CreateTopicAsync(_broker.Bootstrap, "guarded", 1);
        using RawConnection connection = await RawConnection.OpenAsync(_broker.Port);
        byte[] corrupt = RequestBytes.Batch("value"u8);
        corrupt[^3] ^= 0x10;
        Assert.Equal(CorruptMessage, await ProduceErrorAsync(connection, "guarded", corrupt));
        Assert.Equal(MessageTooLarge, await ProduceErrorAsync(connection, "guarded", RequestBytes.Batch(new byte[1_500_000])));
        Assert.Equal(0, await EndOffsetAsync(connection, "guarded"));
        Assert.Equal(0, await ProduceErrorAsync(connection, "guarded", RequestBytes.Batch("value"u8)));
        Assert.Equal(1, await EndOffsetAsync(connection, "guarded"));
    }

    [Fact]
    public async Task Produce_without_acknowledgement_has_no_response_and_its_failure_closes_the_connection()
    {
        await new ConfluentDotnet().CreateTopicAsync(_broker.Bootstrap, "unacked", 1);
        using RawConnection connection = await RawConnection.OpenAsync(_broker.Port);
        await connection.SendAsync(RequestBytes.Produce(1, acks: 0, "unacked", RequestBytes.Batch("value"u8)));
        await connection.AskAsync(RequestBytes.Request(ApiVersions, 0, 2).ToArray());
        Assert.Equal(1, await EndOffsetAsync(connection, "unacked"));

        await connection.SendAsync(RequestBytes.Produce(3, acks: 0, "missing", RequestBytes.Batch("value"u8)));
        await connection.AssertClosedAsync();
    }

    [Fact]
    public async Task Pipelined_requests_are_answered_in_order()
    {
        await new ConfluentDotnet().CreateTopicAsync(_broker.Bootstrap, "pipelined", 1);
        using RawConnection connection = await RawConnection.OpenAsync(_broker.Port);
        var bytes = new RequestBytes();
        for (int i = 0; i < 100; i++)
        {
            bytes.Raw(RawConnection.Frame((i % 10) switch
            {
                // Nothing to read beyond the end: this one waits half a second while the others are ready at once.
                0 when i < 20 => Fetch(i, "pipelined", 0, maxWaitMs: 500),
                3 => RequestBytes.Produce(i, acks: 1, "elsewhere", RequestBytes.Batch("value"u8)),
                5 => RequestBytes.Request(Metadata, 1, i).Int32(-1).ToArray(),
                _ => RequestBytes.Request(ApiVersions, 0, i).ToArray(),
            }));
        }

        await connection.SendRawAsync(bytes.ToArray());
        for (int i = 0; i < 100; i++)
        {
            byte[]? response = await connection.ReceiveAsync();
            Assert.NotNull(response);
            Assert.Equal(i, BinaryPrimitives.ReadInt32BigEndian(response));
        }
    }

    [Fact]
    public async Task A_thousand_half_open_connections_cost_little_and_hinder_nobody()
    {
        const int Connections = 1000;
        await new ConfluentDotnet().CreateTopicAsync(_broker.Bootstrap, "good", 2);
        await ProduceAndConsumeAsync("warm", 1000);
        foreach (RawConnection warm in await OpenHalfAsync(100))
        {
            warm.Dispose();
        }

        long before = ResidentKiB();
        RawConnection[] half = await OpenHalfAsync(Connections);
        try
        {
            await Eventually.TrueAsync(() => Sockets.AcceptedOn(_broker.ProcessId, _broker.Port) >= Connections, $"the broker has accepted all {Connections} connections");
            long grown = ResidentKiB() - before;
            output.WriteLine($"{before} KiB before, {grown} KiB for {Connections} connections");
            Assert.True(grown < Connections * 20, $"{Connections} half-open connections cost {grown} KiB");
            await ProduceAndConsumeAsync("meanwhile", 1000);
        }
        finally
        {
            Array.ForEach(half, connection => connection.Dispose());
        }
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), out int value) ? value : otherwise;

    private async Task<RawConnection[]> OpenHalfAsync(int count)
    {
        var connections = new RawConnection[count];
        for (int i = 0; i < count; i++)
        {
            connections[i] = await RawConnection.OpenAsync(_broker.Port);
            await connections[i].SendRawAsync(new byte[2]);
        }

        return connections;
    }

    private async Task<int> AttackAsync(HostileFrames frames, int count)
    {
        RawConnection? connection = null;
        try
        {
            for (int i = 0; i < count; i++)
            {
                connection ??= await RawConnection.OpenAsync(_broker.Port);
                bool isOpen;
                try
                {
                    await connection.SendRawAsync(frames.Next());
                    isOpen = await connection.DrainAsync(TimeSpan.FromMilliseconds(30));
                }
                catch (IOException)
                {
                    isOpen = false;
                }

                // What is left over from a frame that claimed more bytes than it had would swallow the next ones.
                if (!isOpen || i % 4 == 3)
                {
                    connection.Dispose();
                    connection = null;
                }
            }
        }
        finally
        {
            connection?.Dispose();
        }

        return count;
    }

    /// <summary>Produces and consumes round after round; any error ends it.</summary>
    private async Task<int> LiveOnAsync(CancellationToken stop)
    {
        int rounds = 0;
        do
        {
            await ProduceAndConsumeAsync($"round-{rounds}", 200);
            rounds++;
        }
        while (!stop.IsCancellationRequested);
        return rounds;
    }

    private async Task ProduceAndConsumeAsync(string name, int count)
    {
        var errors = new List<string>();
        void OnError(Error error)
        {
            lock (errors)
            {
                errors.Add($"{error.Code}: {error.Reason}");
            }
        }

        using IProducer<Null, string> producer =
            new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = _broker.Bootstrap }).SetErrorHandler((_, error) => OnError(error)).Build();
        var written = await Task.WhenAll(Enumerable.Range(0, count).Select(i => producer.ProduceAsync("good", new Message<Null, string> { Value = $"{name}-{i}" })));
        using IConsumer<Ignore, string> consumer = new ConsumerBuilder<Ignore, string>(new ConsumerConfig { BootstrapServers = _broker.Bootstrap, GroupId = "unused", EnableAutoCommit = false })
            .SetErrorHandler((_, error) => OnError(error)).Build();
        consumer.Assign(written.GroupBy(r => r.TopicPartition).Select(p => new TopicPartitionOffset(p.Key, p.Min(r => r.Offset.Value))));
        var read = new HashSet<string>(StringComparer.Ordinal);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (read.Count < count)
        {
            Assert.True(read.Add(consumer.Consume(patience.Token).Message.Value));
        }

        Assert.Equal(written.Select(r => r.Value).Order(StringComparer.Ordinal), read.Order(StringComparer.Ordinal));
        Assert.Empty(errors);
    }

    private async Task AssertAliveAsync()
    {
        using RawConnection connection = await RawConnection.OpenAsync(_broker.Port);
        await connection.AskAsync(RequestBytes.Request(ApiVersions, 0, 1).ToArray());
    }

    /// <summary>Every version of every API that the broker says it serves.</summary>
    private async Task<(short Key, short Version)[]> ServedAsync()
    {
        using RawConnection connection = await RawConnection.OpenAsync(_broker.Port);
        byte[] response = await connection.AskAsync(RequestBytes.Request(ApiVersions, 0, 1).ToArray());
        var served = new List<(short, short)>();
        for (int at = 10; at < response.Length; at += 6)
        {
            short min = BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(at + 2));
            short max = BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(at + 4));
            short key = BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(at));
            served.AddRange(Enumerable.Range(min, max - min + 1).Select(version => (key, (short)version)));
        }

        Assert.True(served.Count > 100, $"only {served.Count} API versions are served");
        return [.. served];
    }

    private long ResidentKiB()
    {
        string line = File.ReadLines($"/proc/{_broker.ProcessId}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<int> ProduceErrorAsync(RawConnection connection, string topic, byte[] batch)
    {
        byte[] response = await connection.AskAsync(RequestBytes.Produce(5, acks: 1, topic, batch));

        // Correlation id, one topic, its name, one partition, its index: then the error.
        return BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(4 + 4 + 2 + Encoding.UTF8.GetByteCount(topic) + 4 + 4));
    }

    private static async Task<long> EndOffsetAsync(RawConnection connection, string topic)
    {
        byte[] response = await connection.AskAsync(
            RequestBytes.Request(ListOffsets, 1, 6).Int32(-1).Int32(1).String(topic).Int32(1).Int32(0).Int64(-1).ToArray());
        Assert.Equal(0, BinaryPrimitives.ReadInt16BigEndian(response.AsSpan(response.Length - 18)));
        return BinaryPrimitives.ReadInt64BigEndian(response.AsSpan(response.Length - 8));
    }

    private static byte[] Fetch(int correlationId, string topic, long offset, int maxWaitMs) =>
        RequestBytes.Request(1, 4, correlationId).Int32(-1).Int32(maxWaitMs).Int32(1).Int32(1_000_000).Int8(0)
            .Int32(1).String(topic).Int32(1).Int32(0).Int64(offset).Int32(1_000_000).ToArray();

    /// <summary>The seeded source of frames. What it gives depends on the seed alone.</summary>
    private sealed class HostileFrames(int seed, (short Key, short Version)[] served)
    {
        private readonly Random _random = new(seed);
        private readonly byte[][] _valid =
        [
            RequestBytes.Request(ApiVersions, 0, 1).ToArray(),
            RequestBytes.Request(ApiVersions, 3, 2).Int8(0).CompactString("client").CompactString("1.0").Int8(0).ToArray(),
            RequestBytes.Request(Metadata, 1, 3).Int32(2).String("hostile").String("missing").ToArray(),
            RequestBytes.Produce(4, acks: 1, "hostile", RequestBytes.Batch("value"u8)),
            RequestBytes.Produce(5, acks: -1, "hostile", RequestBytes.Batch(new byte[5000])),
            Fetch(6, "hostile", 0, maxWaitMs: 10),
            RequestBytes.Request(ListOffsets, 1, 7).Int32(-1).Int32(1).String("hostile").Int32(1).Int32(0).Int64(-1).ToArray(),
            RequestBytes.Request(10, 0, 8).String("hostile-group").ToArray(),
            RequestBytes.Request(8, 2, 9).String("hostile-group").Int32(-1).String("").Int64(-1).Int32(1).String("hostile").Int32(1).Int32(0).Int64(5).NullString().ToArray(),
            RequestBytes.Request(12, 0, 10).String("hostile-group").Int32(1).String("nobody").ToArray(),
        ];

        private int _count;

        public byte[] Next() => (_count++ % 5) switch
        {
            0 => RandomBytes(1, 200),
            1 => RawConnection.Frame(RandomBytes(0, 500)),
            2 => RawConnection.Frame(RandomBody()),
            3 => RawConnection.Frame(Flipped()),
            _ => Cut(),
        };

        /// <summary>Half of the bodies begin with the empty tag section that ends a flexible version's header.</summary>
        private byte[] RandomBody()
        {
            (short key, short version) = served[_random.Next(served.Length)];
            RequestBytes request = RequestBytes.Request(key, version, _random.Next());
            return (_random.Next(2) == 0 ? request : request.Int8(0)).Raw(RandomBytes(0, 300)).ToArray();
        }

        private byte[] Flipped()
        {
            byte[] request = [.. Valid()];
            for (int flips = _random.Next(1, 4); flips > 0; flips--)
            {
                request[_random.Next(8, request.Length)] ^= (byte)(1 << _random.Next(8));
            }

            return request;
        }

        /// <summary>A request that ends too early, with a length that is true, or too large or small by some bytes.</summary>
        private byte[] Cut()
        {
            byte[] request = Valid();
            byte[] cut = request[.._random.Next(request.Length)];
            return _random.Next(3) switch
            {
                0 => RawConnection.Frame(cut),
                1 => [.. new RequestBytes().Int32(request.Length + _random.Next(1, 100)).ToArray(), .. request],
                _ => [.. new RequestBytes().Int32(_random.Next(request.Length)).ToArray(), .. request],
            };
        }

        private byte[] Valid() => _valid[_random.Next(_valid.Length)];

        private byte[] RandomBytes(int least, int most)
        {
            byte[] bytes = new byte[_random.Next(least, most)];
            _random.NextBytes(bytes);
            return bytes;
        }
    }
}
