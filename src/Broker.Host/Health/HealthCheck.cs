using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;

namespace Broker.Host.Health;

/// <summary>`broker health-check`: asks for ApiVersions and Metadata, as a client would, and says whether a broker answers.</summary>
internal static class HealthCheck
{
    private const short ApiVersions = 18;
    private const short Metadata = 3;

    // Docker's own default timeout for a health check is 30 s; an answer takes a few ms.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(string bootstrapServer)
    {
        if (!TryParse(bootstrapServer, out var host, out var port))
        {
            Console.Error.WriteLine($"'{bootstrapServer}' is not HOST:PORT.");
            return 2;
        }

        using var timeout = new CancellationTokenSource(Patience);
        try
        {
            using var connection = new PlainConnection();
            await connection.ConnectAsync(host, port, timeout.Token).ConfigureAwait(false);
            var versions = await connection.AskAsync(ApiVersions, 0, default, timeout.Token).ConfigureAwait(false);
            var error = versions.Length >= 2 ? BinaryPrimitives.ReadInt16BigEndian(versions.Span) : (short)-1;

            // Version 1 with an empty list of topics asks for the brokers alone.
            var metadata = await connection.AskAsync(Metadata, 1, new byte[4], timeout.Token).ConfigureAwait(false);
            var brokers = metadata.Length >= 4 ? BinaryPrimitives.ReadInt32BigEndian(metadata.Span) : 0;
            if (error != 0 || brokers < 1)
            {
                Console.Error.WriteLine($"{bootstrapServer} answers, but is not ready: ApiVersions error {error}, {brokers} brokers in Metadata.");
                return 1;
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"OK {host}:{port}, {brokers} {(brokers == 1 ? "broker" : "brokers")}"));
            return 0;
        }
        catch (Exception failure) when (failure is SocketException or IOException or OperationCanceledException)
        {
            Console.Error.WriteLine($"{bootstrapServer} does not answer: {failure.Message}");
            return 1;
        }
    }

    /// <summary>The first of a comma-separated list; a scheme in front is passed over.</summary>
    internal static bool TryParse(string bootstrapServer, out string host, out int port)
    {
        var text = bootstrapServer.Split(',')[0].Trim();
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        text = (scheme < 0 ? text : text[(scheme + 3)..]).TrimEnd('/');
        var colon = text.LastIndexOf(':');
        host = colon > 0 ? text[..colon].Trim('[', ']') : "";
        return ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) & (port = number) > 0 && host.Length > 0;
    }
}
