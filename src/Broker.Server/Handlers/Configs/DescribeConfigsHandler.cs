using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// DescribeConfigs (key 32): effective values of topics and of this broker. v1 sources and synonyms, v3 types and documentation.
/// A broker resource with an empty name is the dynamic default of all brokers.
/// </summary>
internal sealed class DescribeConfigsHandler(BrokerServices services) : ApiHandler<DescribeConfigsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DescribeConfigs, 0, 4);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DescribeConfigsRequest request)
    {
        var results = new List<DescribeConfigsResponse.DescribeConfigsResult>(request.Resources.Count);
        foreach (DescribeConfigsRequest.DescribeConfigsResource resource in request.Resources)
        {
            results.Add(Describe(resource, request));
        }

        return Ready(new DescribeConfigsResponse { Results = results });
    }

    private DescribeConfigsResponse.DescribeConfigsResult Describe(in DescribeConfigsRequest.DescribeConfigsResource resource, DescribeConfigsRequest request)
    {
        IReadOnlyList<ConfigDescription> entries;
        switch (resource.ResourceType)
        {
            case ConfigResources.Topic when TopicNames.Validate(resource.ResourceName) is { } badName:
                return Failed(resource, ErrorCode.InvalidTopicException, badName);
            case ConfigResources.Topic when services.Metadata.Current.Topic(resource.ResourceName) is { } topic:
                entries = services.Config.DescribeTopic(topic.Config);
                break;
            case ConfigResources.Topic:
                return Failed(resource, ErrorCode.UnknownTopicOrPartition, null);
            case ConfigResources.Broker when ConfigResources.CheckBroker(resource.ResourceName, services.Config.Entity) is { } problem:
                return Failed(resource, ErrorCode.InvalidRequest, problem);
            case ConfigResources.Broker:
                entries = resource.ResourceName.Length == 0 ? services.Config.Current.DescribeClusterDefault() : services.Config.Current.Describe();
                break;
            default:
                return Failed(resource, ErrorCode.InvalidRequest, ConfigResources.Unsupported(resource.ResourceType));
        }

        HashSet<string>? wanted = resource.ConfigurationKeys.IsNull ? null : [.. resource.ConfigurationKeys.ToArray()];
        return new()
        {
            ResourceType = resource.ResourceType,
            ResourceName = resource.ResourceName,
            ErrorMessage = null,
            Configs = entries.Where(e => wanted?.Contains(e.Name) ?? true).Select(e => ToEntry(e, request)).ToArray(),
        };
    }

    private static DescribeConfigsResponse.DescribeConfigsResourceResult ToEntry(ConfigDescription entry, DescribeConfigsRequest request) => new()
    {
        Name = entry.Name,
        Value = entry.IsSensitive ? null : entry.Value,
        ReadOnly = entry.IsReadOnly,
        IsDefault = entry.IsDefault,
        ConfigSource = (sbyte)entry.Source,
        IsSensitive = entry.IsSensitive,
        Synonyms = request.IncludeSynonyms
            ? entry.Synonyms.Select(s => new DescribeConfigsResponse.DescribeConfigsSynonym { Name = s.Name, Value = s.Value, Source = (sbyte)s.Source }).ToArray()
            : [],
        ConfigType = (sbyte)entry.Type,
        Documentation = request.IncludeDocumentation ? entry.Documentation : null,
    };

    private static DescribeConfigsResponse.DescribeConfigsResult Failed(in DescribeConfigsRequest.DescribeConfigsResource resource, ErrorCode error, string? message) =>
        new() { ErrorCode = error, ErrorMessage = message, ResourceType = resource.ResourceType, ResourceName = resource.ResourceName };
}
