using System.Collections.Concurrent;
using System.Globalization;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>
/// Reads the accounts with read_committed all the time, on a thread of its own, and checks each record as it comes: a transfer takes from one account what it
/// gives to another, each half comes once, and those of one mover come in the order of its requests.
/// </summary>
internal sealed class Ledger : IDisposable
{
    private readonly ConcurrentDictionary<int, long> _halves = new();
    private readonly Dictionary<(int Mover, int Account), int> _last = [];
    private readonly HashSet<(int Number, int Account)> _seen = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly int _movers;
    private readonly Task _reading;
    private long _sum;
    private int _complete;

    /// <summary>The number of a transfer says whose it is: number modulo <paramref name="movers"/>.</summary>
    public Ledger(string bootstrap, int accounts, int movers)
    {
        _movers = movers;
        _reading = Task.Factory.StartNew(() => Read(bootstrap, accounts), TaskCreationOptions.LongRunning);
    }

    /// <summary>Transfers of which both halves were read.</summary>
    public int Complete => Volatile.Read(ref _complete);

    /// <summary>Transfers of which one half was read.</summary>
    public int Torn => _halves.Count;

    /// <summary>Over all records read; the halves of torn transfers are what it differs from zero by.</summary>
    public long Sum => Interlocked.Read(ref _sum);

    /// <summary>Throws what the reader found wrong.</summary>
    public void Check()
    {
        if (_reading.IsCompleted)
        {
            _reading.GetAwaiter().GetResult();
        }
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _reading;
    }

    public void Dispose() => _stop.Cancel();

    private void Read(string bootstrap, int accounts)
    {
        using IConsumer<string, string> consumer = TransactionalClient.Consumer(bootstrap, "auditor");
        consumer.Assign(Enumerable.Range(0, accounts).Select(a => new TopicPartitionOffset("accounts", a, Offset.Beginning)));
        while (!_stop.IsCancellationRequested)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(50)) is { IsPartitionEOF: false } result)
            {
                string[] words = result.Message.Value.Split(' ');
                Book(int.Parse(words[0], CultureInfo.InvariantCulture), result.Partition, long.Parse(words[1], CultureInfo.InvariantCulture));
            }
        }
    }

    private void Book(int number, int account, long amount)
    {
        Assert.True(_seen.Add((number, account)), $"transfer {number} came twice to account {account}");
        Assert.True(!_last.TryGetValue((number % _movers, account), out int before) || before < number, $"transfer {number} of account {account} comes after {before}");
        _last[(number % _movers, account)] = number;
        Interlocked.Add(ref _sum, amount);
        if (_halves.TryRemove(number, out long other))
        {
            Assert.True(other + amount == 0, $"transfer {number} takes {other} and gives {amount}");
            Interlocked.Increment(ref _complete);
        }
        else
        {
            _halves[number] = amount;
        }
    }
}
