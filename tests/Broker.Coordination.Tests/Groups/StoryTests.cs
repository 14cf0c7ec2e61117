using System.Globalization;
using Broker.Protocol;

namespace Broker.Coordination.Tests.Groups;

/// <summary>What people see: how many partitions of a topic with four each consumer has, and what moves when something happens.</summary>
public sealed class StoryTests
{
    [Theory]
    [InlineData(1, "4")]
    [InlineData(2, "2 2")]
    [InlineData(4, "1 1 1 1")]
    [InlineData(5, "1 1 1 1 0")]
    public void Consumers_share_four_partitions(int count, string shares)
    {
        var story = new Story();
        story.Start(count);
        Assert.Equal(shares, story.Shares());
    }

    [Theory]
    [InlineData(2, "4")]
    [InlineData(4, "2 1 1")]
    [InlineData(5, "1 1 1 1")]
    public void The_others_take_over_from_one_that_is_killed(int count, string shares)
    {
        var story = new Story();
        story.Start(count);
        story.Kill(0);
        Assert.Equal(count - 1, story.Consumers.Count);
        Assert.Equal(shares, story.Shares());
        Assert.Contains(story.Driver.Group().Rebalances.Entries, entry => entry.Reason.EndsWith("sent no heartbeat for 10000 ms", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(2, "4")]
    [InlineData(5, "1 1 1 1")]
    public void One_that_closes_is_replaced_at_once(int count, string shares)
    {
        var story = new Story();
        story.Start(count);
        Moment before = story.Driver.Now;
        story.Close(count - 1);
        Assert.Equal(shares, story.Shares());
        Assert.True(story.Driver.Now.MonotonicMs - before.MonotonicMs < 10_000);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void A_rolling_restart_of_static_members_moves_nothing(int count)
    {
        var story = new Story { IsStatic = true };
        story.Start(count);
        int generation = story.Driver.Group().Generation;
        string[] before = story.Assignments();
        for (int i = 0; i < count; i++)
        {
            story.Restart(i);
        }
        Assert.Equal(before, story.Assignments());
        Assert.Equal(generation, story.Driver.Group().Generation);
        Assert.Equal(GroupState.Stable, story.Driver.Group().State);
    }

    [Fact]
    public void Cooperative_consumers_keep_what_they_have_while_one_joins()
    {
        var story = new Story { IsCooperative = true };
        story.Start(1);
        int generation = story.Driver.Group().Generation;
        StoryConsumer first = story.Consumers[0];
        story.Start(1);
        Assert.Equal("2 2", story.Shares());

        // Two rebalances: in the first the partitions that move are given up, in the second they are taken.
        Assert.Equal(generation + 2, story.Driver.Group().Generation);
        Assert.Equal(["0 1 2 3", "0 1", "0 1"], first.History.Skip(first.History.Count - 3));
    }

    private sealed class Story
    {
        private int _started;

        public ShardDriver Driver { get; } = new();

        public List<StoryConsumer> Consumers { get; } = [];

        public bool IsStatic { get; init; }

        public bool IsCooperative { get; init; }

        public void Start(int count)
        {
            for (int i = 0; i < count; i++)
            {
                Consumers.Add(new StoryConsumer(Driver, IsStatic ? $"host{_started++}" : null, IsCooperative));
            }
            Settle();
        }

        public void Kill(int index)
        {
            Consumers.RemoveAt(index);
            Settle(forSeconds: 15);
        }

        public void Close(int index)
        {
            Driver.Leave(Consumers[index].MemberId, reason: "the consumer is being closed");
            Consumers.RemoveAt(index);
            Settle();
        }

        public void Restart(int index)
        {
            Consumers[index].Restart();
            Settle();
        }

        /// <summary>Lets seconds pass, at least the given number, until everybody has an assignment of the same generation.</summary>
        private void Settle(int forSeconds = 2)
        {
            for (int second = 0; second < 100; second++)
            {
                Consumers.ForEach(consumer => consumer.Turn());
                Consumers.ForEach(consumer => consumer.Turn());
                if (second >= forSeconds && Driver.Group().State == GroupState.Stable && Consumers.TrueForAll(consumer => consumer.IsStable))
                {
                    return;
                }
                Driver.Sleep(1_000);
            }
            Assert.Fail("The group does not come to rest.");
        }

        public string Shares() => string.Join(' ', Consumers.Select(consumer => consumer.Assigned.Length).OrderDescending());

        public string[] Assignments() => [.. Consumers.Select(consumer => string.Join(' ', consumer.Assigned))];
    }

    /// <summary>A consumer of one topic with four partitions that shares them out as evenly as possible when it leads.</summary>
    private sealed class StoryConsumer(ShardDriver driver, string? instanceId, bool isCooperative)
    {
        private Call<JoinResult>? _join;
        private Call<SyncResult>? _sync;
        private JoinResult? _joined;

        public string MemberId { get; private set; } = "";

        public int[] Assigned { get; private set; } = [];

        public List<string> History { get; } = [];

        public bool IsStable { get; private set; }

        /// <summary>The metadata of a cooperative consumer says what it owns; "=" separates it from the protocol's name.</summary>
        private string Protocols => isCooperative ? $"coop={string.Join(' ', Assigned)}" : "range=t";

        public void Restart()
        {
            (MemberId, Assigned, IsStable, _joined, _join, _sync) = ("", [], false, null, null, null);
            History.Clear();
        }

        public void Turn()
        {
            if (_join is { Result: { } join })
            {
                _join = null;
                MemberId = join.Error == ErrorCode.UnknownMemberId ? "" : join.MemberId;
                _joined = join.Error == ErrorCode.None ? join : null;
            }
            if (_sync is { Result: { } sync })
            {
                _sync = null;
                TakeAssignment(sync);
            }
            if (_join is not null || _sync is not null)
            {
                return;
            }
            if (_joined is null)
            {
                _join = driver.Join(MemberId, instanceId, protocols: Protocols, v4: true, v9: true);
            }
            else if (!IsStable)
            {
                bool assigns = _joined.Leader == MemberId && !_joined.SkipAssignment;
                _sync = driver.Sync(MemberId, _joined.Generation, instanceId, assignments: assigns ? Assign(_joined.Members) : []);
            }
            else if (driver.Heartbeat(MemberId, _joined.Generation, instanceId) is not ErrorCode.None and var error)
            {
                (IsStable, _joined) = (false, null);
                MemberId = error == ErrorCode.RebalanceInProgress ? MemberId : "";
            }
        }

        private void TakeAssignment(SyncResult sync)
        {
            if (sync.Error != ErrorCode.None)
            {
                _joined = null;
                return;
            }
            int[] before = Assigned;
            Assigned = Numbers(System.Text.Encoding.UTF8.GetString(sync.Assignment));
            History.Add(string.Join(' ', Assigned));
            IsStable = true;
            if (isCooperative && before.Except(Assigned).Any())
            {
                // It gave partitions up: it rejoins so that they can be assigned.
                (IsStable, _joined) = (false, null);
            }
        }

        private (string Member, string Assignment)[] Assign(JoinedMember[] members)
        {
            int[][] owned = [.. members.Select(member => isCooperative ? Numbers(Topic(member.Metadata)) : [])];
            var shares = new (string, string)[members.Length];
            for (int i = 0; i < members.Length; i++)
            {
                int from = Enumerable.Range(0, i).Sum(before => Share(before, members.Length));
                IEnumerable<int> target = Enumerable.Range(from, Share(i, members.Length));
                int[] ownedByOthers = [.. owned.Where((_, other) => other != i).SelectMany(partitions => partitions)];
                shares[i] = (members[i].MemberId, string.Join(' ', target.Except(ownedByOthers)));
            }
            return shares;
        }

        private static int Share(int index, int members) => (4 / members) + (index < 4 % members ? 1 : 0);

        private static string Topic(byte[] subscription)
        {
            var topics = new HashSet<string>();
            Assert.True(ConsumerSubscription.TryReadTopics(subscription, topics));
            return topics.Single();
        }

        private static int[] Numbers(string text) =>
            [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
    }
}
