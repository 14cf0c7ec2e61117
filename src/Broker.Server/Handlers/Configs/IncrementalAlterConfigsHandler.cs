using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>IncrementalAlterConfigs (key 44): sets, deletes, appends to or subtracts from single keys (KIP-339).</summary>
internal sealed class IncrementalAlterConfigsHandler(BrokerServices services) : ApiHandler<IncrementalAlterConfigsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.IncrementalAlterConfigs, 0, 1);

    private readonly ConfigChanger _changer = new(services);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, IncrementalAlterConfigsRequest request)
    {
        var responses = new List<IncrementalAlterConfigsResponse.AlterConfigsResourceResponse>(request.Resources.Count);
        foreach (IncrementalAlterConfigsRequest.AlterConfigsResource resource in request.Resources.ToArray())
        {
            List<ConfigOperation> operations = [.. resource.Configs.ToArray().Select(c => new ConfigOperation(c.Name, (ConfigOperationType)c.ConfigOperation, c.Value))];
            ConfigEdit edit = resource.ResourceType == ConfigResources.Topic
                ? (IReadOnlyDictionary<string, string> present, out IReadOnlyDictionary<string, string> result) => ConfigAlteration.ApplyToTopic(present, operations, out result)
                : (IReadOnlyDictionary<string, string> present, out IReadOnlyDictionary<string, string> result) => ConfigAlteration.ApplyToBroker(present, operations, out result);
            (ErrorCode error, string? message) = await _changer.ChangeAsync(resource.ResourceType, resource.ResourceName, edit, request.ValidateOnly).ConfigureAwait(false);
            responses.Add(new() { ErrorCode = error, ErrorMessage = message, ResourceType = resource.ResourceType, ResourceName = resource.ResourceName });
        }

        return new IncrementalAlterConfigsResponse { Responses = responses };
    }
}
