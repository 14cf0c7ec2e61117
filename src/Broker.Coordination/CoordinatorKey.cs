namespace Broker.Coordination;

/// <summary>Which partition of a coordinator's topic a key belongs to. Every client-visible broker must agree on it, Kafka's included.</summary>
public static class CoordinatorKey
{
    /// <summary>Partition of <paramref name="key"/>: Java's hash of the string, made positive the way Kafka does it, modulo the partitions.</summary>
    public static int PartitionFor(string key, int partitionCount)
    {
        int hash = JavaHash(key);
        return (hash == int.MinValue ? 0 : Math.Abs(hash)) % partitionCount;
    }

    /// <summary>String.hashCode of Java: over UTF-16 units, as .NET's strings have them.</summary>
    public static int JavaHash(string text)
    {
        int hash = 0;
        foreach (char c in text)
        {
            hash = unchecked((31 * hash) + c);
        }
        return hash;
    }
}
