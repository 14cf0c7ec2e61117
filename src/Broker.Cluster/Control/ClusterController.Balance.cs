using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>When the controller gives leadership back to the brokers that assignments name first.</summary>
/// <param name="Interval">leader.imbalance.check.interval.seconds.</param>
/// <param name="Percentage">leader.imbalance.per.broker.percentage: less of a broker's partitions may be led elsewhere.</param>
public sealed record BalancePolicy(TimeSpan Interval, int Percentage);

/// <summary>After brokers died and came back, others lead their partitions until this gives them back.</summary>
public sealed partial class ClusterController
{
    // A controller that has just begun looks soon: it may have begun because a broker died.
    private static readonly TimeSpan FirstBalance = TimeSpan.FromSeconds(5);

    private ITimer? _balance;

    private void StartBalancing()
    {
        if (_links?.Balance is { } policy)
        {
            _balance = _time.CreateTimer(_ => TryEnqueue(() => BalanceAsync(policy.Percentage)), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private void BalanceSoon() => _balance?.Change(FirstBalance, _links!.Balance!.Interval);

    private async Task BalanceAsync(int percentage)
    {
        if (!_isActive)
        {
            return;
        }

        MetadataImage image = Image;
        var all = new Dictionary<int, int>();
        var elsewhere = new Dictionary<int, List<TopicPartition>>();
        foreach (TopicImage topic in image.Topics)
        {
            foreach (PartitionImage partition in topic.Partitions)
            {
                if (partition.IsReassigning || partition.Replicas is not [int preferred, ..])
                {
                    continue;
                }

                all[preferred] = all.GetValueOrDefault(preferred) + 1;
                if (PartitionElection.Preferred(partition.Replicas, partition.Leader, partition.Isr, Usable(image, topic, partition.Index)) is not null)
                {
                    (elsewhere.TryGetValue(preferred, out List<TopicPartition>? led) ? led : elsewhere[preferred] = []).Add(new TopicPartition(topic.Name, partition.Index));
                }
            }
        }

        TopicPartition[] moved = [.. elsewhere.Where(e => e.Value.Count * 100L > (long)percentage * all[e.Key]).SelectMany(e => e.Value)];
        if (moved.Length > 0)
        {
            await ElectAsync(moved, unclean: false).ConfigureAwait(false);
            ControllerLog.Balanced(_logger, moved.Length);
        }
    }
}
