using System.Text;

namespace Broker.Configuration;

/// <summary>Prints docs/configuration.md from the table. The file in the repository is what this prints; a test compares them.</summary>
public static class ConfigDocs
{
    private static readonly (string Text, ConfigScope Scope)[] Scopes =
        [("start", ConfigScope.ReadOnly), ("per broker", ConfigScope.PerBroker), ("cluster", ConfigScope.ClusterWide)];

    public static string Print()
    {
        var text = new StringBuilder();
        text.Append(
            """
            # Configuration

            Printed by `broker --print-config-docs` from the one table of keys; do not edit by hand.

            Sources, later ones winning: the defaults below, a properties file (Java's rules), the environment (`KAFKA_LOG_DIRS` is `log.dirs`;
            two underscores stand for one, three for a dash), `--override key=value`. On top of these come the dynamic values set by
            `kafka-configs.sh`, for one broker or for the cluster. All errors are reported at once. Keys that are not in the table are logged and
            have no effect. A broker without a properties file starts with the embedded defaults, which are the settings of
            `config/server.properties`.

            "Changes" says when a new value takes effect: `start` only when the broker starts, `per broker` and `cluster` while it runs.


            """);
        PrintTable(text, "Broker keys", ConfigKeys.All.Where(key => key.Unsupported is null), withScope: true);
        PrintTable(text, "Topic keys", TopicConfigKeys.All.Where(key => key.Unsupported is null), withScope: false);
        text.Append("## Keys of Kafka that have no effect\n\nThey are read and checked, so that existing files start unchanged; a warning is logged when one is set to another value than its default.\n\n");
        foreach (var group in ConfigKeys.All.Where(key => key.Unsupported is not null).GroupBy(key => key.Unsupported, StringComparer.Ordinal))
        {
            PrintWithoutEffect(text, group.Key!, group);
        }

        PrintWithoutEffect(text, "Of topics:", TopicConfigKeys.All.Where(key => key.Unsupported is not null));
        PrintRemoved(text);
        return text.ToString();
    }

    private static void PrintTable(StringBuilder text, string title, IEnumerable<ConfigKey> keys, bool withScope)
    {
        text.Append($"## {title}\n\n");
        text.Append(withScope
            ? "| key | type | default | values | changes | meaning |\n|---|---|---|---|---|---|\n"
            : "| key | type | default | values | broker key | meaning |\n|---|---|---|---|---|---|\n");
        foreach (var key in keys.OrderBy(key => key.Name, StringComparer.Ordinal))
        {
            var last = withScope ? Scopes[(int)key.Scope].Text : key.Synonyms is [var broker, ..] ? $"`{broker.Name}`" : "";
            var note = key.DefaultNote is null ? "" : $" {key.DefaultNote}";
            text.Append($"| `{key.Name}` | {ConfigValue.Name(key.Type).ToLowerInvariant()} | {Code(key.DefaultText)} | {Cell(key.Range.Text ?? "")} | {last} | {Cell(key.Documentation + note)} |\n");
        }

        text.Append('\n');
    }

    private static void PrintWithoutEffect(StringBuilder text, string reason, IEnumerable<ConfigKey> keys)
    {
        text.Append($"{reason}\n\n");
        foreach (var key in keys.OrderBy(key => key.Name, StringComparer.Ordinal))
        {
            text.Append($"- `{key.Name}` ({ConfigValue.Name(key.Type).ToLowerInvariant()}, default {Code(key.DefaultText)}): {key.Documentation}\n");
        }

        text.Append('\n');
    }

    private static void PrintRemoved(StringBuilder text)
    {
        text.Append("## Keys that Kafka removed and composes still set\n\n");
        foreach (var (name, meaning) in RemovedKeys.All)
        {
            text.Append($"- `{name}`: {meaning}\n");
        }
    }

    private static string Code(string? value) => value is null ? "unset" : value.Length == 0 ? "empty" : $"`{Cell(value)}`";

    private static string Cell(string value) => value.Replace("|", "\\|", StringComparison.Ordinal);
}
