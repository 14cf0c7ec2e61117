using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>A server with a topic of two partitions, a transactional producer whose requests the test decides one by one, and two connections to send them on.</summary>
public abstract class RawTransactionTests : IAsyncLifetime
{
    private protected const string Topic = "events";
    private protected const short InvalidProducerEpoch = 47;
    private protected const short InvalidTxnState = 48;
    private protected const short ProducerFenced = 90;

    private protected RawProducer Producer { get; } = new("raw", Topic);

    private protected IServerUnderTest Server { get; private set; } = null!;

    private protected RawConnection First { get; private set; } = null!;

    private protected RawConnection Second { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Server = await ServerUnderTest.StartAsync();
        await new ConfluentDotnet().CreateTopicAsync(Server.Bootstrap, Topic, 2);
        First = await RawConnection.OpenAsync(Server.Port);
        Second = await RawConnection.OpenAsync(Server.Port);
    }

    public async Task DisposeAsync()
    {
        First.Dispose();
        Second.Dispose();
        await Server.DisposeAsync();
    }

    /// <summary>The answer to EndTxn comes before the markers.</summary>
    private protected async Task CompleteAsync()
    {
        for (DateTime end = DateTime.UtcNow + TransactionalClient.Patience; await Producer.EndOffsetAsync(Second, stable: true) != await Producer.EndOffsetAsync(Second, stable: false); await Task.Delay(10))
        {
            Assert.True(DateTime.UtcNow < end, "no marker came");
        }
    }

    private protected void AssertCommitted(params string[] values) => Assert.Equal(values, StoredRecords.Values(Server.Bootstrap, Topic, 2, IsolationLevel.ReadCommitted));
}
