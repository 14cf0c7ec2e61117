namespace Broker.Storage.Tests;

public class KeyOffsetMapTests
{
    [Fact]
    public void It_agrees_with_a_dictionary_until_it_is_full()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        using KeyOffsetMap map = new(5000 * KeyOffsetMap.EntryBytes, 0.9, long.MaxValue);
        Dictionary<string, long> expected = [];
        long offset = 0;
        for (bool hasRoom = true; hasRoom; offset += 1 + random.Next(3))
        {
            byte[] key = BitConverter.GetBytes(random.Next(20_000));
            hasRoom = map.TryPut(key, offset);
            if (hasRoom)
            {
                expected[Convert.ToHexString(key)] = offset;
                Assert.Equal(offset, map.LatestOffset);
            }
        }

        Assert.True(expected.Count == 4500, $"seed {seed}: {expected.Count} keys");
        Assert.Equal(expected.Count, map.Count);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] key = BitConverter.GetBytes(i);
            Assert.True(map.Get(key) == expected.GetValueOrDefault(Convert.ToHexString(key), -1), $"seed {seed}, key {i}");
        }
    }

    [Fact]
    public void A_key_that_it_knows_is_taken_when_it_is_full()
    {
        using KeyOffsetMap map = new(2 * KeyOffsetMap.EntryBytes, 0.5, long.MaxValue);
        Assert.True(map.TryPut("a"u8, 0));
        Assert.False(map.TryPut("b"u8, 1));
        Assert.True(map.TryPut("a"u8, 2));
        Assert.Equal((2L, -1L), (map.Get("a"u8), map.Get("b"u8)));
    }

    [Fact]
    public void A_small_log_gets_a_small_map()
    {
        using KeyOffsetMap map = new(128L * 1024 * 1024, 0.9, 100);
        Assert.InRange(map.MemoryBytes, 100 * KeyOffsetMap.EntryBytes, 120 * KeyOffsetMap.EntryBytes);
        for (int i = 0; i < 100; i++)
        {
            Assert.True(map.TryPut(BitConverter.GetBytes(i), i));
        }
    }
}
