using System.Globalization;

namespace Broker.Cluster;

/// <summary>Configurations that others change: every broker follows /config/changes by itself.</summary>
public sealed partial class ClusterController
{
    private const string TopicEntities = "topics/";
    private const string BrokerEntities = "brokers/";

    private long _lastConfigChange = -1;

    /// <summary>What is told up to now is in what is read from now on.</summary>
    private async Task SkipConfigChangesAsync()
    {
        foreach (string name in await _tree.ChildrenAsync(ZnodePaths.ConfigChanges, _configsChanged.OnEvent).ConfigureAwait(false))
        {
            _lastConfigChange = Math.Max(_lastConfigChange, NumberOf(name));
        }
    }

    private async Task OnConfigsChangedAsync(Action<WatchedEvent> watch)
    {
        var entities = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in await _tree.ChildrenAsync(ZnodePaths.ConfigChanges, watch).ConfigureAwait(false))
        {
            string path = $"{ZnodePaths.ConfigChanges}/{name}";
            long number = NumberOf(name);
            if (number <= _lastConfigChange)
            {
                continue;
            }

            try
            {
                if (await TryGetAsync(_tree, path).ConfigureAwait(false) is { } node && ConfigChangeZnode.Decode(path, node.Data) is { } entity)
                {
                    entities.Add(entity);
                }
            }
            catch (InvalidDataException e)
            {
                ControllerLog.Ignored(_logger, path, e.Message);
            }

            _lastConfigChange = number;
        }

        foreach (string entity in entities)
        {
            await RefreshConfigAsync(entity).ConfigureAwait(false);
        }
    }

    private async Task RefreshConfigAsync(string entity)
    {
        try
        {
            if (entity.StartsWith(TopicEntities, StringComparison.Ordinal) && Image.Topic(entity[TopicEntities.Length..]) is { } topic)
            {
                Swap(Image.With(topic with { Config = await ReadTopicConfigAsync(_tree, topic.Name).ConfigureAwait(false) }));
            }
            else if (entity.StartsWith(BrokerEntities, StringComparison.Ordinal))
            {
                Swap(Image with { BrokerConfigs = await ReadBrokerConfigsAsync(_tree).ConfigureAwait(false) });
            }
        }
        catch (InvalidDataException e)
        {
            ControllerLog.Ignored(_logger, "/config/" + entity, e.Message);
        }
    }

    /// <summary>After a session was lost: notifications may have come and gone.</summary>
    private async Task RefreshConfigsAsync()
    {
        foreach (TopicImage topic in Image.Topics)
        {
            await RefreshConfigAsync(TopicEntities + topic.Name).ConfigureAwait(false);
        }

        await RefreshConfigAsync(BrokerEntities).ConfigureAwait(false);
    }

    private static long NumberOf(string name) =>
        long.TryParse(name.AsSpan(name.LastIndexOf('_') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : -1;
}
