using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>DescribeAcls (key 29): no authorizer is configured, which Kafka answers by SECURITY_DISABLED; consoles rely on that code.</summary>
internal sealed class DescribeAclsHandler : ApiHandler<DescribeAclsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DescribeAcls, 0, 3);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DescribeAclsRequest request) =>
        Ready(new DescribeAclsResponse { ErrorCode = ErrorCode.SecurityDisabled, ErrorMessage = "No Authorizer is configured on the broker" });
}

/// <summary>DescribeClientQuotas (key 48): no quotas are kept, so every filter matches nothing. Malformed filters are refused as by Kafka.</summary>
internal sealed class DescribeClientQuotasHandler : ApiHandler<DescribeClientQuotasRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DescribeClientQuotas, 0, 1);

    private const sbyte Exact = 0, Default = 1, Any = 2;

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DescribeClientQuotasRequest request)
    {
        var types = new HashSet<string>(StringComparer.Ordinal);
        foreach (DescribeClientQuotasRequest.ComponentData component in request.Components)
        {
            string? refusal =
                component.EntityType is not ("user" or "client-id" or "ip") ? $"Custom entity type '{component.EntityType}' not supported"
                : !types.Add(component.EntityType) ? $"Duplicate filter component entity type '{component.EntityType}'"
                : component.MatchType is not (Exact or Default or Any) ? $"Unexpected match type: {component.MatchType}"
                : component.MatchType == Exact && component.Match is null ? "Request specified MATCH_TYPE_EXACT, but set to null match"
                : null;
            if (refusal is not null)
            {
                ErrorCode error = component.EntityType is "user" or "client-id" or "ip" ? ErrorCode.InvalidRequest : ErrorCode.UnsupportedVersion;
                return Ready(new DescribeClientQuotasResponse { ErrorCode = error, ErrorMessage = refusal, Entries = WireArray<DescribeClientQuotasResponse.EntryData>.Null });
            }
        }

        return Ready(new DescribeClientQuotasResponse());
    }
}

/// <summary>DescribeUserScramCredentials (key 50): no user has SCRAM credentials; users asked for by name are answered one by one.</summary>
internal sealed class DescribeUserScramCredentialsHandler : ApiHandler<DescribeUserScramCredentialsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DescribeUserScramCredentials, 0, 0);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DescribeUserScramCredentialsRequest request)
    {
        var results = new List<DescribeUserScramCredentialsResponse.DescribeUserScramCredentialsResult>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (DescribeUserScramCredentialsRequest.UserName user in request.Users)
        {
            bool first = names.Add(user.Name);
            if (first)
            {
                results.Add(new() { User = user.Name, ErrorCode = ErrorCode.ResourceNotFound, ErrorMessage = $"Attempt to describe a user credential that does not exist: {user.Name}" });
            }
            else
            {
                int index = results.FindIndex(r => r.User == user.Name);
                results[index] = new() { User = user.Name, ErrorCode = ErrorCode.DuplicateResource, ErrorMessage = $"Cannot describe SCRAM credentials for the same user twice in a single request: {user.Name}" };
            }
        }

        return Ready(new DescribeUserScramCredentialsResponse { Results = results });
    }
}
