using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Who this broker is.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<int> BrokerId = Int(
        "broker.id", -1, Any, High, ReadOnly,
        "Id of this broker in the cluster. -1 takes the id stored in the data directory, or a new one above reserved.broker.max.id when "
        + "there is none.");

    public static readonly ConfigKey<bool> BrokerIdGenerationEnable = Bool(
        "broker.id.generation.enable", true, Medium, ReadOnly,
        "Give a broker without an id one by itself. When false, broker.id must be set.");

    public static readonly ConfigKey<int> ReservedBrokerMaxId = Int(
        "reserved.broker.max.id", 1000, AtLeast(0), Medium, ReadOnly,
        "Highest id that may be written in broker.id; ids that are given automatically start above it.");

    public static readonly ConfigKey<string?> BrokerRack = TextOrNone(
        "broker.rack", Any, Medium, ReadOnly,
        "Rack or zone of this broker, told to clients and used when replicas are spread.");

    public static readonly ConfigKey<int> NodeId = Int(
        "node.id", -1, Any, High, ReadOnly,
        "Newer name of broker.id. When both are set they must be equal.");
}
