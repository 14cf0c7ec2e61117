namespace Broker.Cluster;

/// <summary>Numbers of the security protocols on the wire.</summary>
internal static class SecurityProtocols
{
    private static readonly string[] Names = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

    public static short Code(string name) => (short)Math.Max(Array.IndexOf(Names, name), 0);

    public static string Name(short code) => (uint)code < (uint)Names.Length ? Names[code] : Names[0];
}
