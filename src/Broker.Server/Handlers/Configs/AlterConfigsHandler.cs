using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>AlterConfigs (key 33): replaces all overrides of a resource. Each resource succeeds or fails by itself.</summary>
internal sealed class AlterConfigsHandler(BrokerServices services) : ApiHandler<AlterConfigsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.AlterConfigs, 0, 2);

    private readonly ConfigChanger _changer = new(services);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, AlterConfigsRequest request)
    {
        var responses = new List<AlterConfigsResponse.AlterConfigsResourceResponse>(request.Resources.Count);
        foreach (AlterConfigsRequest.AlterConfigsResource resource in request.Resources.ToArray())
        {
            List<(string, string?)> entries = [.. resource.Configs.ToArray().Select(c => (c.Name, c.Value))];
            (ErrorCode error, string? message) = await _changer.ChangeAsync(
                resource.ResourceType,
                resource.ResourceName,
                (IReadOnlyDictionary<string, string> _, out IReadOnlyDictionary<string, string> result) => ConfigAlteration.Replace(entries, out result),
                request.ValidateOnly).ConfigureAwait(false);
            responses.Add(new() { ErrorCode = error, ErrorMessage = message, ResourceType = resource.ResourceType, ResourceName = resource.ResourceName });
        }

        return new AlterConfigsResponse { Responses = responses };
    }
}
