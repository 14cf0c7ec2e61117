using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>DescribeCluster (key 60): cluster id, controller, brokers of the caller's listener. v1 endpoint type: 1 brokers, 2 controllers (none here).</summary>
internal sealed class DescribeClusterHandler(BrokerServices services) : ApiHandler<DescribeClusterRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DescribeCluster, 0, 1);

    private const sbyte BrokerEndpoints = 1, ControllerEndpoints = 2;

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DescribeClusterRequest request)
    {
        if (request.EndpointType != BrokerEndpoints)
        {
            return Ready(request.EndpointType == ControllerEndpoints
                ? Failed(ErrorCode.MismatchedEndpointType, "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER", BrokerEndpoints)
                : Failed(ErrorCode.UnsupportedEndpointType, $"Unsupported endpoint type {request.EndpointType}", request.EndpointType));
        }

        MetadataImage image = services.Metadata.Current;
        var brokers = new List<DescribeClusterResponse.DescribeClusterBroker>(image.Brokers.Count);
        foreach (BrokerImage broker in image.Brokers)
        {
            if (broker.Endpoint(context.ListenerName) is { } endpoint)
            {
                brokers.Add(new() { BrokerId = broker.Id, Host = endpoint.Host, Port = endpoint.Port, Rack = broker.Rack });
            }
        }

        return Ready(new DescribeClusterResponse
        {
            ClusterId = image.ClusterId,
            ControllerId = image.ControllerId,
            Brokers = brokers,
            EndpointType = BrokerEndpoints,
            ClusterAuthorizedOperations = request.IncludeClusterAuthorizedOperations ? AuthorizedOperations.Cluster : AuthorizedOperations.NotRequested,
        });
    }

    private static DescribeClusterResponse Failed(ErrorCode error, string message, sbyte endpointType) =>
        new() { ErrorCode = error, ErrorMessage = message, EndpointType = endpointType };
}
