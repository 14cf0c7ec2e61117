namespace Broker.Protocol.Tests;

public sealed class WireArrayTests
{
    [Fact]
    public void The_default_is_empty_and_null_is_something_else()
    {
        WireArray<int> empty = default;

        Assert.False(empty.IsNull);
        Assert.Equal(0, empty.Count);
        Assert.Empty(empty.ToArray());
        Assert.True(WireArray<int>.Null.IsNull);
        Assert.Equal(0, WireArray<int>.Null.Count);
        Assert.Empty(WireArray<int>.Null.ToArray());
    }

    [Fact]
    public void Arrays_are_made_of_arrays_lists_and_collection_expressions()
    {
        int[] array = [1, 2];
        List<int> list = [1, 2];
        WireArray<int> expression = [1, 2];
        WireArray<int> fromNull = (int[]?)null;

        Assert.Equal([1, 2], ((WireArray<int>)array).ToArray());
        Assert.Equal([1, 2], ((WireArray<int>)list).ToArray());
        Assert.Equal([1, 2], expression.ToArray());
        Assert.True(fromNull.IsNull);
    }

    [Fact]
    public void A_decoded_array_can_be_gone_through_again_and_allocates_no_elements()
    {
        byte[] frame = [0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 99];
        var reader = new WireReader(frame);
        WireArray<int> array = WireArray.ReadFixed<int>(ref reader, 0, false, false, 4, static (ref WireReader r, short _) => r.ReadInt32());
        Assert.Equal(1, reader.Remaining);
        Assert.Equal(6, Sum(array));

        // A collection in between counts the rest of the thread's allocation block as allocated; it does not come every time.
        long least = long.MaxValue;
        for (int i = 0; i < 20; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(Sum(array) == 6);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public void A_null_array_where_none_may_be_is_refused() => Assert.Throws<ProtocolException>(() =>
    {
        var reader = new WireReader(new byte[] { 0xff, 0xff, 0xff, 0xff });
        WireArray.ReadFixed<int>(ref reader, 0, false, false, 4, static (ref WireReader r, short _) => r.ReadInt32());
    });

    private static int Sum(WireArray<int> array)
    {
        int sum = 0;
        foreach (int item in array)
        {
            sum += item;
        }

        return sum;
    }
}
