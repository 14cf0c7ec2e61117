using System.Collections.Concurrent;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>
/// A transactional producer that never stops: each transaction writes its number to every partition of a topic. A transaction that the client says must be aborted is
/// aborted and its number is not used again; any other error ends the load.
/// </summary>
internal sealed class TransactionalLoad : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _bootstrap;
    private readonly string _topic;
    private readonly int _partitions;
    private readonly string _id;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _committed = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly Task _work;

    public TransactionalLoad(string bootstrap, string topic, int partitions, string id)
    {
        _bootstrap = bootstrap;
        _topic = topic;
        _partitions = partitions;
        _id = id;
        _work = Task.Factory.StartNew(Work, TaskCreationOptions.LongRunning);
    }

    public int Committed => _committed.Count;

    public int Aborted { get; private set; }

    public IEnumerable<string> Numbers => _committed;

    public async Task ProgressAsync(string when, Func<string> logs)
    {
        int before = _committed.Count;
        await Eventually.TrueAsync(() => !_errors.IsEmpty || _committed.Count >= before + 3, $"transactions of {_id} are committed {when}");
        Assert.True(_errors.IsEmpty, $"{string.Join("\n", _errors)} {when}\n{logs()}");
    }

    public async Task StopAsync(Func<string> logs)
    {
        await _stop.CancelAsync();
        await _work;
        Assert.True(_errors.IsEmpty, $"{string.Join("\n", _errors)}\n{logs()}");
    }

    /// <summary>Each committed transaction whole, once and in order of its producer, and nothing else.</summary>
    public static void Check(string bootstrap, string topic, int partitions, IEnumerable<TransactionalLoad> loads, Func<string> logs)
    {
        var read = new List<string>[partitions];
        StoredRecords.Read(bootstrap, topic, partitions, IsolationLevel.ReadCommitted, r => (read[r.Partition] ??= []).Add(System.Text.Encoding.UTF8.GetString(r.Message.Value)));
        foreach (TransactionalLoad load in loads)
        {
            for (int p = 0; p < partitions; p++)
            {
                Assert.True(load.Numbers.SequenceEqual((read[p] ?? []).Where(r => r.StartsWith(load._id + " ", StringComparison.Ordinal))), $"partition {p} has the committed records of {load._id}\n{logs()}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work;
    }

    private void Work()
    {
        var config = new ProducerConfig { BootstrapServers = _bootstrap, TransactionalId = _id, LingerMs = 1, SocketTimeoutMs = 10_000 };
        using IProducer<Null, string> producer = new ProducerBuilder<Null, string>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        try
        {
            Retry(() => producer.InitTransactions(Patience));
            for (int i = 0; !_stop.IsCancellationRequested; i++)
            {
                Transact(producer, $"{_id} {i}");
            }
        }
        catch (KafkaException e)
        {
            _errors.Enqueue($"{_id}: {e.Error.Code} {e.Message}");
        }
    }

    private void Transact(IProducer<Null, string> producer, string value)
    {
        producer.BeginTransaction();
        try
        {
            for (int p = 0; p < _partitions; p++)
            {
                producer.Produce(new TopicPartition(_topic, p), new Message<Null, string> { Value = value });
            }

            Retry(() => producer.CommitTransaction(Patience));
            _committed.Enqueue(value);
        }
        catch (KafkaTxnRequiresAbortException)
        {
            Aborted++;
            Retry(() => producer.AbortTransaction(Patience));
        }
    }

    private static void Retry(Action action)
    {
        for (DateTime end = DateTime.UtcNow + Patience; ;)
        {
            try
            {
                action();
                return;
            }
            catch (KafkaRetriableException) when (DateTime.UtcNow < end)
            {
                // The client asks for this call again.
            }
        }
    }
}
