using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>
/// A consumer (librdkafka) without a group that reads the numbers of a <see cref="VerifiedLoad"/> while they are written: each once and in order, at offsets without a gap, and
/// what it has read is what is stored in the end. It resets nothing: an offset that is out of range, or a log that was cut below what it has read, is an error.
/// </summary>
internal sealed class SteadyReader : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _bootstrap;
    private readonly string _topic;
    private readonly List<int>[] _read;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reading;
    private long[]? _until;
    private int _count;

    public SteadyReader(string bootstrap, string topic, int partitions)
    {
        (_bootstrap, _topic) = (bootstrap, topic);
        _read = [.. Enumerable.Range(0, partitions).Select(_ => new List<int>())];
        _reading = Task.Factory.StartNew(Read, TaskCreationOptions.LongRunning);
    }

    /// <summary>How many records it has read.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Throws what was found wrong.</summary>
    public void Check()
    {
        if (_reading.IsCompleted)
        {
            _reading.GetAwaiter().GetResult();
        }
    }

    /// <summary>When nothing is written any more: reads to the end and compares.</summary>
    public async Task FinishAsync(Func<string> logs)
    {
        var stored = new List<int>[_read.Length];
        StoredRecords.Read(_bootstrap, _topic, stored.Length, IsolationLevel.ReadUncommitted, result => (stored[result.Partition] ??= []).Add(NumberOf(result.Message.Value)));
        Volatile.Write(ref _until, [.. stored.Select(s => (long)s.Count)]);
        await _reading;
        for (int p = 0; p < stored.Length; p++)
        {
            int same = stored[p].Zip(_read[p]).TakeWhile(pair => pair.First == pair.Second).Count();
            Assert.True(
                same == stored[p].Count && same == _read[p].Count, $"partition {p}: {_read[p].Count} records were read while they were written, {stored[p].Count} are stored, the first {same} are the same\n{logs()}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // What it found is thrown by Check and FinishAsync; here it only has to have ended.
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private void Read()
    {
        var config = new ConsumerConfig { BootstrapServers = _bootstrap, GroupId = "unused", EnableAutoCommit = false, EnableAutoOffsetStore = false, AutoOffsetReset = AutoOffsetReset.Error, CheckCrcs = true };
        using IConsumer<Ignore, byte[]> consumer = new ConsumerBuilder<Ignore, byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        consumer.Assign(_read.Select((_, p) => new TopicPartitionOffset(_topic, p, 0)));
        DateTime quietSince = DateTime.UtcNow;
        while (!_stop.IsCancellationRequested && !IsAtEnd())
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is { } result)
            {
                quietSince = DateTime.UtcNow;
                Take(_read[result.Partition], result);
                Volatile.Write(ref _count, _count + 1);
            }

            Assert.True(Volatile.Read(ref _until) is null || IsAtEnd() || DateTime.UtcNow - quietSince < Patience, $"read {string.Join(", ", _read.Select(r => r.Count))} of {string.Join(", ", _until ?? [])} records");
        }
    }

    private static void Take(List<int> read, ConsumeResult<Ignore, byte[]> result)
    {
        int number = NumberOf(result.Message.Value);
        Assert.True(result.Offset == read.Count, $"{result.TopicPartition}: offset {result.Offset} was read after {read.Count - 1}");
        Assert.True(read.Count == 0 || number > read[^1], $"{result.TopicPartition}: {number} was read at offset {result.Offset} after {read.LastOrDefault()}");
        read.Add(number);
    }

    private bool IsAtEnd() => Volatile.Read(ref _until) is { } until && _read.Select((r, p) => r.Count >= until[p]).All(b => b);

    private static int NumberOf(byte[] value) => int.Parse(Encoding.ASCII.GetString(value).Split(' ')[0], CultureInfo.InvariantCulture);
}
