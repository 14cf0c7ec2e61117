namespace Broker.Configuration;

/// <summary>
/// Why a change of configs is refused, in Kafka's words. <see cref="ConfigProblemKind.Value"/> is what Kafka raises as ConfigException:
/// AlterConfigs answers it with INVALID_REQUEST and puts "Invalid config value for resource ...: " in front, CreateTopics with INVALID_CONFIG.
/// </summary>
public sealed record ConfigProblem(ConfigProblemKind Kind, string Message)
{
    internal static ConfigProblem Value(string message) => new(ConfigProblemKind.Value, message);

    internal static ConfigProblem Config(string message) => new(ConfigProblemKind.Config, message);

    internal static ConfigProblem Request(string message) => new(ConfigProblemKind.Request, message);
}
