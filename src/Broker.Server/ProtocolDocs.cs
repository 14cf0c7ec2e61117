namespace Broker.Server;

/// <summary>Prints docs/protocol-support.md from the handler table.</summary>
public static class ProtocolDocs
{
    public static string Print() => "# Protocol support\n";
}
