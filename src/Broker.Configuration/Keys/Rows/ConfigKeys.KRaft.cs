using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Settings of a KRaft quorum; metadata lives in the embedded tree here. A compose written for KRaft starts unchanged.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<IReadOnlyList<string>> ProcessRoles = List(
        "process.roles", "", OneOf("broker", "controller"), High, ReadOnly,
        "Roles of a KRaft process. Every process is broker and controller here.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<IReadOnlyList<string>> ControllerQuorumVoters = List(
        "controller.quorum.voters", "", NonEmptyList, High, ReadOnly,
        "Voters of the quorum as id@host:port.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<IReadOnlyList<string>> ControllerQuorumBootstrapServers = List(
        "controller.quorum.bootstrap.servers", "", NonEmptyList, High, ReadOnly,
        "Addresses by which the quorum is found.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<string?> ControllerListenerNames = TextOrNone(
        "controller.listener.names", Any, High, ReadOnly,
        "Names of listeners of the KRaft controller. Listeners of these names are read and left out, because nothing would use them.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<string> SaslMechanismControllerProtocol = Text(
        "sasl.mechanism.controller.protocol", "GSSAPI", Any, High, ReadOnly,
        "SASL mechanism towards KRaft controllers.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> ControllerQuorumElectionTimeoutMs = Int(
        "controller.quorum.election.timeout.ms", 1000, Any, High, ReadOnly,
        "Wait for the quorum leader before an election, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> ControllerQuorumElectionBackoffMaxMs = Int(
        "controller.quorum.election.backoff.max.ms", 1000, Any, High, ReadOnly,
        "Longest pause between elections, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> ControllerQuorumFetchTimeoutMs = Int(
        "controller.quorum.fetch.timeout.ms", 2000, Any, High, ReadOnly,
        "Time without a fetch from the quorum leader before candidacy, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> ControllerQuorumAppendLingerMs = Int(
        "controller.quorum.append.linger.ms", 25, Any, Medium, ReadOnly,
        "Time the quorum leader gathers writes, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> ControllerQuorumRequestTimeoutMs = Int(
        "controller.quorum.request.timeout.ms", 2000, Any, Medium, ReadOnly,
        "Longest wait for an answer within the quorum, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> ControllerQuorumRetryBackoffMs = Int(
        "controller.quorum.retry.backoff.ms", 20, Any, Low, ReadOnly,
        "Pause before a request within the quorum is repeated, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> BrokerHeartbeatIntervalMs = Int(
        "broker.heartbeat.interval.ms", 2000, Any, Medium, ReadOnly,
        "Time between heartbeats to the KRaft controller, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> BrokerSessionTimeoutMs = Int(
        "broker.session.timeout.ms", 9000, Any, Medium, ReadOnly,
        "Time without heartbeat after which the KRaft controller fences a broker, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> InitialBrokerRegistrationTimeoutMs = Int(
        "initial.broker.registration.timeout.ms", 60000, Any, Medium, ReadOnly,
        "Longest wait for the first registration with the KRaft controller, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<string?> MetadataLogDir = TextOrNone(
        "metadata.log.dir", Any, High, ReadOnly,
        "Directory of the KRaft metadata log.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<long> MetadataLogMaxRecordBytesBetweenSnapshots = Long(
        "metadata.log.max.record.bytes.between.snapshots", 20971520, AtLeast(1), High, ReadOnly,
        "Bytes of metadata log between snapshots.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<long> MetadataLogMaxSnapshotIntervalMs = Long(
        "metadata.log.max.snapshot.interval.ms", 3600000, AtLeast(0), High, ReadOnly,
        "Time between snapshots of the metadata log, in ms; 0 means no limit.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> MetadataLogSegmentBytes = Int(
        "metadata.log.segment.bytes", 1073741824, AtLeast(12), High, ReadOnly,
        "Segment size of the metadata log, in bytes.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<long> MetadataLogSegmentMs = Long(
        "metadata.log.segment.ms", 604800000, Any, High, ReadOnly,
        "Age at which a segment of the metadata log is closed, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<long> MetadataMaxRetentionBytes = Long(
        "metadata.max.retention.bytes", 104857600, Any, High, ReadOnly,
        "Size of metadata log and snapshots before the oldest go, in bytes.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<long> MetadataMaxRetentionMs = Long(
        "metadata.max.retention.ms", 604800000, Any, High, ReadOnly,
        "Age of metadata log and snapshots before they go, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<int> MetadataMaxIdleIntervalMs = Int(
        "metadata.max.idle.interval.ms", 500, AtLeast(0), Low, ReadOnly,
        "Time between no-op records in the metadata log, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<bool> EligibleLeaderReplicasEnable = Bool(
        "eligible.leader.replicas.enable", false, High, ReadOnly,
        "Keep eligible leader replicas in the metadata.",
        unsupported: NotYet.Quorum);
}
