using Broker.Configuration;

namespace Broker.Host;

/// <summary>What the arguments ask for. Immutable.</summary>
internal sealed record CommandLine(CommandKind Kind, string? ConfigFile, IReadOnlyList<ConfigEntry> Overrides, string BootstrapServer, IReadOnlyList<ConfigError> Errors)
{
    public const string Help =
        """
        broker - a Kafka-compatible broker

        Usage: broker [FILE] [--config FILE] [--override KEY=VALUE]...
               broker health-check [--bootstrap-server HOST:PORT]
               broker tree copy --from TREE --to TREE

          FILE, --config FILE       properties file; without one the broker starts with embedded defaults:
                                    port 9092, data in ./data
          --override KEY=VALUE      set one key; may be repeated, wins over file and environment
          KEY=VALUE                 the same, short
          --print-config-docs       print every key with default and meaning
          --print-protocol-docs     print the supported APIs and versions
          --version                 print the version
          --help                    print this

          tree copy                 copy the coordination tree of stopped brokers, checked first and restartable;
                                    TREE is embedded:DIRECTORY (the first of log.dirs) or zookeeper:HOST:PORT,.../CHROOT
          health-check              ask a broker for ApiVersions and Metadata; exit code 0 when it answers

        Environment: KAFKA_<KEY> sets a key (KAFKA_LOG_DIRS is log.dirs; __ is _, ___ is -), KAFKA_CFG_<KEY> likewise.
        BROKER_LOG_LEVEL sets the log level: TRACE, DEBUG, INFO, WARN, ERROR, OFF; one category by CATEGORY=LEVEL after a comma.
        """;

    private const string Origin = "command line";

    /// <summary>Source and target of a copy.</summary>
    public string TreeFrom { get; private init; } = "";

    public string TreeTo { get; private init; } = "";

    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var kind = CommandKind.Run;
        string? file = null;
        string treeFrom = "", treeTo = "";
        var bootstrapServer = "localhost:9092";
        var overrides = new List<ConfigEntry>();
        var errors = new List<ConfigError>();
        for (var i = 0; i < args.Count; i++)
        {
            var (name, inlineValue) = Split(args[i]);
            switch (name)
            {
                case "--help" or "-h":
                    kind = CommandKind.Help;
                    break;
                case "--version":
                    kind = CommandKind.Version;
                    break;
                case "--print-config-docs":
                    kind = CommandKind.PrintConfigDocs;
                    break;
                case "--print-protocol-docs":
                    kind = CommandKind.PrintProtocolDocs;
                    break;
                case "health-check" when i == 0:
                    kind = CommandKind.HealthCheck;
                    break;
                case "tree" when i == 0 && args.Count > 1 && args[1] == "copy":
                    kind = CommandKind.TreeCopy;
                    i++;
                    break;
                case "--from" when kind == CommandKind.TreeCopy:
                    treeFrom = Value(name, inlineValue, "embedded:DIRECTORY or zookeeper:HOST:PORT", ref i) ?? treeFrom;
                    break;
                case "--to" when kind == CommandKind.TreeCopy:
                    treeTo = Value(name, inlineValue, "embedded:DIRECTORY or zookeeper:HOST:PORT", ref i) ?? treeTo;
                    break;
                case "--config":
                    file = Value(name, inlineValue, "a properties file", ref i) ?? file;
                    break;
                case "--bootstrap-server":
                    bootstrapServer = Value(name, inlineValue, "HOST:PORT", ref i) ?? bootstrapServer;
                    break;
                case "--override":
                    AddOverride(Value(name, inlineValue, "KEY=VALUE", ref i));
                    break;
                case ['-', ..]:
                    errors.Add(new ConfigError(name, null, Origin, $"{name} is not an option.", "See broker --help."));
                    break;
                default:
                    AddPositional(args[i]);
                    break;
            }
        }

        return new CommandLine(kind, file, overrides, bootstrapServer, errors) { TreeFrom = treeFrom, TreeTo = treeTo };

        string? Value(string option, string? inline, string what, ref int index)
        {
            if (inline is not null || index + 1 < args.Count)
            {
                return inline ?? args[++index];
            }

            errors.Add(new ConfigError(option, null, Origin, $"{option} needs {what}.", "See broker --help."));
            return null;
        }

        void AddOverride(string? text)
        {
            var equals = text?.IndexOf('=', StringComparison.Ordinal) ?? 0;
            if (equals > 0)
            {
                overrides.Add(new ConfigEntry(text![..equals].Trim(), text[(equals + 1)..], Origin));
            }
            else if (text is not null)
            {
                errors.Add(new ConfigError("--override", text, Origin, $"'{text}' is not of the form KEY=VALUE.", "Write for example --override num.partitions=3."));
            }
        }

        void AddPositional(string text)
        {
            if (text.Contains('=', StringComparison.Ordinal) && !File.Exists(text))
            {
                AddOverride(text);
            }
            else if (file is null)
            {
                file = text;
            }
            else
            {
                errors.Add(new ConfigError("arguments", text, Origin, $"A properties file was given already: {file}.", "Give one file, and single keys by --override."));
            }
        }
    }

    private static (string Name, string? Value) Split(string arg)
    {
        var equals = arg.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && arg.StartsWith("--", StringComparison.Ordinal) ? (arg[..equals], arg[(equals + 1)..]) : (arg, null);
    }
}
