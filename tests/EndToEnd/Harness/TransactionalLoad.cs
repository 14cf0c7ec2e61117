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
    private readonly int _pauseMs;
    private readonly Workers _workers = new();
    private readonly ConcurrentQueue<string> _committed = new();
    private readonly ConcurrentQueue<string> _clientLog = new();

    /// <param name="bootstrap">Brokers that are there at the beginning.</param>
    /// <param name="topic">Has these partitions.</param>
    /// <param name="partitions">How many.</param>
    /// <param name="id">Its transactional.id.</param>
    /// <param name="pauseMs">After each transaction.</param>
    public TransactionalLoad(string bootstrap, string topic, int partitions, string id, int pauseMs = 0)
    {
        (_bootstrap, _topic, _partitions, _id, _pauseMs) = (bootstrap, topic, partitions, id, pauseMs);
        _workers.Start($"the transactional producer {id}", Work);
    }

    public int Committed => _committed.Count;

    public int Aborted { get; private set; }

    public IEnumerable<string> Numbers => _committed;

    public Task ProgressAsync(string when, Func<string> logs)
    {
        int before = _committed.Count;
        return _workers.ProgressAsync(() => _committed.Count >= before + 3, () => $"transactions of {_id} are committed {when}", logs);
    }

    public Task StopAsync(Func<string> logs) => _workers.EndAsync(logs);

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

    public ValueTask DisposeAsync() => _workers.DisposeAsync();

    private void Work()
    {
        var config = new ProducerConfig { BootstrapServers = _bootstrap, TransactionalId = _id, LingerMs = 1, SocketTimeoutMs = 10_000, TopicMetadataRefreshIntervalMs = 2000, Debug = "eos" };
        using IProducer<Null, string> producer = new ProducerBuilder<Null, string>(config).SetLogHandler((_, line) => Remember(line.Message)).SetErrorHandler((_, _) => { }).Build();
        try
        {
            Retry(() => producer.InitTransactions(Patience));
            for (int i = 0; !_workers.IsStopping; i++)
            {
                Transact(producer, $"{_id} {i}");
                Thread.Sleep(_pauseMs);
            }
        }
        catch (KafkaException e)
        {
            _workers.Fail($"{_id}: {e.Error.Code} {e.Message}\n{string.Join("\n", _clientLog)}\n");
        }
    }

    /// <summary>The end of what the client says of its transactions: which request it is waiting for.</summary>
    private void Remember(string line)
    {
        _clientLog.Enqueue($"{DateTime.Now:HH:mm:ss.fff} {line}");
        if (_clientLog.Count > 100)
        {
            _clientLog.TryDequeue(out _);
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

    private void Retry(Action action)
    {
        for (DateTime end = DateTime.UtcNow + Patience; ;)
        {
            try
            {
                action();
                return;
            }
            catch (KafkaRetriableException) when (DateTime.UtcNow < end && !_workers.IsAbandoned)
            {
                // The client asks for this call again.
            }
        }
    }
}
