using Broker.Configuration;
using Broker.Protocol;

namespace Broker.Server;

/// <summary>Resource types of the config APIs, by Kafka's numbers.</summary>
internal static class ConfigResources
{
    public const sbyte Topic = 2;
    public const sbyte Broker = 4;
    public const sbyte BrokerLogger = 8;

    /// <summary>A resource in the form Kafka's messages print it.</summary>
    public static string Text(sbyte type, string name) => $"ConfigResource(type={TypeName(type)}, name='{name}')";

    public static string Unsupported(sbyte type) => $"Unsupported resource type: {TypeName(type)}; this broker keeps configs of topics and brokers";

    /// <summary>A broker resource names this broker, or, when empty, the default of all.</summary>
    public static string? CheckBroker(string name, string own) =>
        name.Length == 0 || name == own ? null : $"Unexpected broker id, expected {own} or empty string, but received {name}";

    /// <summary>How AlterConfigs and IncrementalAlterConfigs answer a refused change.</summary>
    public static (ErrorCode Error, string Message) Answer(ConfigProblem problem, sbyte type, string name) => problem.Kind switch
    {
        // Kafka wraps what is wrong with a topic's value and passes on what is wrong with a broker's.
        ConfigProblemKind.Value when type == Topic => (ErrorCode.InvalidConfig, $"Invalid config value for resource {Text(type, name)}: {problem.Message}"),
        ConfigProblemKind.Value => (ErrorCode.InvalidRequest, problem.Message),
        ConfigProblemKind.Config => (ErrorCode.InvalidConfig, problem.Message),
        _ => (ErrorCode.InvalidRequest, problem.Message),
    };

    private static string TypeName(sbyte type) => type switch
    {
        Topic => "TOPIC",
        Broker => "BROKER",
        BrokerLogger => "BROKER_LOGGER",
        16 => "CLIENT_METRICS",
        32 => "GROUP",
        _ => "UNKNOWN",
    };
}
