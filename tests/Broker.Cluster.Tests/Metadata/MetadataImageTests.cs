using System.Collections.Immutable;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Cluster.Tests;

public sealed class MetadataImageTests
{
    private static TopicImage Topic(string name) =>
        new(name, Guid.NewGuid(), [new PartitionImage(0, 1, 0, 0, [1], [1], [])], ImmutableDictionary<string, string>.Empty);

    [Fact]
    public void A_change_makes_a_new_image_and_shares_the_rest()
    {
        TopicImage a = Topic("a"), b = Topic("b");
        MetadataImage one = MetadataImage.Empty.With(a);

        MetadataImage two = one.With(b);
        MetadataImage three = two.Without(a);

        Assert.Null(one.Topic("b"));
        Assert.Same(a, two.Topic("a"));
        Assert.Same(b, two.Topic(b.Id));
        Assert.Null(three.Topic("a"));
        Assert.Null(three.Topic(a.Id));
        Assert.Same(b, three.Topic("b"));
    }

    [Fact]
    public void Every_image_of_the_store_has_the_next_version()
    {
        var store = new MetadataStore(TimeProvider.System);
        Assert.Equal(0, store.Current.Version);

        MetadataImage swapped = store.Swap(MetadataImage.Empty.With(Topic("a")));
        Assert.Same(swapped, store.Current);
        Assert.Equal(1, store.Current.Version);

        store.Swap(MetadataImage.Empty);
        Assert.Equal(2, store.Current.Version);
    }

    [Fact]
    public void Who_has_gone_while_it_led_is_remembered_for_a_moment_or_until_it_is_back()
    {
        var time = new FakeTimeProvider();
        var store = new MetadataStore(time);
        BrokerImage[] brokers = [.. Enumerable.Range(1, 5).Select(id => new BrokerImage(id, id, null, ImmutableDictionary<string, EndpointImage>.Empty))];
        TopicImage[] topics = [.. brokers.Select(b => Topic($"led by {b.Id}"))];
        void Live(IEnumerable<int> ids, params int[] leaders)
        {
            MetadataImage image = store.Current with { Brokers = [.. ids.Select(id => brokers[id - 1])] };
            foreach ((TopicImage topic, int leader) in topics.Zip(leaders))
            {
                image = image.With(topic with { PartitionArray = [topic.PartitionArray[0] with { Leader = leader }] });
            }

            store.Swap(image);
        }

        int[] Departed() => [.. store.JustDeparted(store.Current).Select(b => b.Id)];

        Live([1, 2, 3, 4, 5], 1, 2, 3, 4, 5);
        Assert.Empty(Departed());

        // 4 hands over before it leaves, nobody can lead what 5 led.
        Live([1, 2, 3, 4, 5], 1, 2, 3, 1, 5);
        Live([1, 3], 1, 1, 3, 1, -1);
        Assert.Equal([2], Departed());
        time.Advance(TimeSpan.FromMilliseconds(300));
        Live([1], 1, 1, 1, 1, -1);
        Assert.Equal([2, 3], Departed());
        store.Swap(store.Current.With(Topic("a")));
        Assert.Equal([2, 3], Departed());
        time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Equal([3], Departed());
        Live([1, 3]);
        Assert.Empty(Departed());
    }

    [Fact]
    public void Partitions_follow_a_changed_copy()
    {
        TopicImage topic = Topic("a");
        TopicImage grown = topic with { PartitionArray = [.. topic.PartitionArray, new PartitionImage(1, 1, 0, 0, [1], [1], [])] };

        Assert.Equal((1, 2), (topic.Partitions.Count, grown.Partitions.Count));
    }

    [Theory]
    [InlineData("__consumer_offsets", true)]
    [InlineData("__transaction_state", true)]
    [InlineData("__other", false)]
    public void Internal_topics_are_those_of_the_coordinators(string name, bool isInternal) => Assert.Equal(isInternal, Topic(name).IsInternal);

    [Fact]
    public void One_more_topic_among_ten_thousand_does_not_copy_them()
    {
        MetadataImage image = MetadataImage.Empty;
        for (int i = 0; i < 10_000; i++)
        {
            image = image.With(Topic($"topic-{i}"));
        }

        TopicImage next = Topic("next");
        image.With(next);
        long before = GC.GetAllocatedBytesForCurrentThread();
        image.With(next);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 10_000);
    }
}
