namespace Broker.Server;

/// <summary>
/// The one list of APIs this broker serves. Dispatch, ApiVersions and docs/protocol-support.md come from it; an API that is not complete is not in it.
/// </summary>
internal static class ApiTable
{
    public static readonly IReadOnlyList<Row> Rows =
    [
        new(ProduceHandler.Supports, s => new ProduceHandler(s)),
        new(FetchHandler.Supports, s => new FetchHandler(s)),
        new(ListOffsetsHandler.Supports, s => new ListOffsetsHandler(s)),
        new(MetadataHandler.Supports, s => new MetadataHandler(s)),
        new(OffsetCommitHandler.Supports, s => new OffsetCommitHandler(s)),
        new(OffsetFetchHandler.Supports, s => new OffsetFetchHandler(s)),
        new(FindCoordinatorHandler.Supports, s => new FindCoordinatorHandler(s)),
        new(JoinGroupHandler.Supports, s => new JoinGroupHandler(s)),
        new(HeartbeatHandler.Supports, s => new HeartbeatHandler(s)),
        new(LeaveGroupHandler.Supports, s => new LeaveGroupHandler(s)),
        new(SyncGroupHandler.Supports, s => new SyncGroupHandler(s)),
        new(DescribeGroupsHandler.Supports, s => new DescribeGroupsHandler(s)),
        new(ListGroupsHandler.Supports, s => new ListGroupsHandler(s)),
        new(ApiVersionsHandler.Supports, s => new ApiVersionsHandler(s)),
        new(CreateTopicsHandler.Supports, s => new CreateTopicsHandler(s)),
        new(DeleteTopicsHandler.Supports, s => new DeleteTopicsHandler(s)),
        new(DeleteRecordsHandler.Supports, s => new DeleteRecordsHandler(s)),
        new(InitProducerIdHandler.Supports, s => new InitProducerIdHandler(s)),
        new(OffsetForLeaderEpochHandler.Supports, s => new OffsetForLeaderEpochHandler(s)),
        new(AddPartitionsToTxnHandler.Supports, s => new AddPartitionsToTxnHandler(s)),
        new(AddOffsetsToTxnHandler.Supports, s => new AddOffsetsToTxnHandler(s)),
        new(EndTxnHandler.Supports, s => new EndTxnHandler(s)),
        new(WriteTxnMarkersHandler.Supports, s => new WriteTxnMarkersHandler(s)),
        new(TxnOffsetCommitHandler.Supports, s => new TxnOffsetCommitHandler(s)),
        new(DescribeAclsHandler.Supports, _ => new DescribeAclsHandler()),
        new(DescribeConfigsHandler.Supports, s => new DescribeConfigsHandler(s)),
        new(AlterConfigsHandler.Supports, s => new AlterConfigsHandler(s)),
        new(AlterReplicaLogDirsHandler.Supports, s => new AlterReplicaLogDirsHandler(s)),
        new(DescribeLogDirsHandler.Supports, s => new DescribeLogDirsHandler(s)),
        new(CreatePartitionsHandler.Supports, s => new CreatePartitionsHandler(s)),
        new(DeleteGroupsHandler.Supports, s => new DeleteGroupsHandler(s)),
        new(ElectLeadersHandler.Supports, s => new ElectLeadersHandler(s)),
        new(IncrementalAlterConfigsHandler.Supports, s => new IncrementalAlterConfigsHandler(s)),
        new(AlterPartitionReassignmentsHandler.Supports, s => new AlterPartitionReassignmentsHandler(s)),
        new(ListPartitionReassignmentsHandler.Supports, s => new ListPartitionReassignmentsHandler(s)),
        new(OffsetDeleteHandler.Supports, s => new OffsetDeleteHandler(s)),
        new(DescribeClientQuotasHandler.Supports, _ => new DescribeClientQuotasHandler()),
        new(DescribeUserScramCredentialsHandler.Supports, _ => new DescribeUserScramCredentialsHandler()),
        new(UpdateFeaturesHandler.Supports, s => new UpdateFeaturesHandler(s)),
        new(DescribeClusterHandler.Supports, s => new DescribeClusterHandler(s)),
        new(DescribeProducersHandler.Supports, s => new DescribeProducersHandler(s)),
        new(DescribeTransactionsHandler.Supports, s => new DescribeTransactionsHandler(s)),
        new(ListTransactionsHandler.Supports, s => new ListTransactionsHandler(s)),
        new(DescribeTopicPartitionsHandler.Supports, s => new DescribeTopicPartitionsHandler(s)),
    ];

    /// <summary>What brokers ask of each other: served where there is a cluster, and told on the listener of the brokers only.</summary>
    public static readonly IReadOnlyList<Row> InterBrokerRows =
    [
        new(LeaderAndIsrHandler.Supports, s => new LeaderAndIsrHandler(s)),
        new(StopReplicaHandler.Supports, s => new StopReplicaHandler(s)),
        new(UpdateMetadataHandler.Supports, s => new UpdateMetadataHandler(s)),
        new(ControlledShutdownHandler.Supports, s => new ControlledShutdownHandler(s)),
        new(AlterPartitionHandler.Supports, s => new AlterPartitionHandler(s)),
        new(AllocateProducerIdsHandler.Supports, s => new AllocateProducerIdsHandler(s)),
    ];

    /// <summary>A served API and how its handler is made.</summary>
    internal sealed record Row(ApiSupport Supports, Func<BrokerServices, ApiHandler> Create);
}
