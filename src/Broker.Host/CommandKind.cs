namespace Broker.Host;

internal enum CommandKind
{
    Run,
    Help,
    Version,
    PrintConfigDocs,
    PrintProtocolDocs,
    HealthCheck,
    TreeCopy,
}
