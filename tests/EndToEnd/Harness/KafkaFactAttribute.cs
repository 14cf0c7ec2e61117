namespace Broker.EndToEnd;

/// <summary>A test that needs the released Apache Kafka; skipped, and counted as such, where it is not beside the checkout.</summary>
internal sealed class KafkaFactAttribute : FactAttribute
{
    public KafkaFactAttribute()
    {
        if (Repository.KafkaReleases is null)
        {
            Skip = "Needs released Apache Kafka; point BROKER_KAFKA_DIR at it";
        }
    }
}

/// <summary>The same for a test with data.</summary>
internal sealed class KafkaTheoryAttribute : TheoryAttribute
{
    public KafkaTheoryAttribute()
    {
        if (Repository.KafkaReleases is null)
        {
            Skip = "Needs released Apache Kafka; point BROKER_KAFKA_DIR at it";
        }
    }
}
