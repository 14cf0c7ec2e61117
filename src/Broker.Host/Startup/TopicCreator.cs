using System.Net.Sockets;
using System.Text;
using Broker.Configuration;
using Broker.Host.Health;
using Broker.Server;
using Microsoft.Extensions.Logging;

namespace Broker.Host.Startup;

/// <summary>Creates the topics of KAFKA_CREATE_TOPICS once the broker is ready, as a client of its first listener. Existing ones stay as they are.</summary>
internal static class TopicCreator
{
    private const short CreateTopics = 19;
    private const short TopicAlreadyExists = 36;
    private const int TimeoutMs = 30_000;

    public static async Task RunAsync(StartupReport report, IReadOnlyList<TopicToCreate> topics, ILogger log, CancellationToken stopping)
    {
        if (report.Listeners.Count == 0)
        {
            return;
        }

        var listener = report.Listeners[0];
        var host = listener.BoundHost is "" or "0.0.0.0" or "::" ? "localhost" : listener.BoundHost;
        foreach (var topic in topics)
        {
            try
            {
                using var connection = new PlainConnection();
                await connection.ConnectAsync(host, listener.BoundPort, stopping).ConfigureAwait(false);
                Report(log, topic, await connection.AskAsync(CreateTopics, 1, Request(topic), stopping).ConfigureAwait(false));
            }
            catch (Exception failure) when (failure is SocketException or IOException or OperationCanceledException)
            {
                StartupLog.TopicNotCreated(log, topic.Name, failure.Message);
            }
        }
    }

    private static byte[] Request(TopicToCreate topic)
    {
        using var body = new MemoryStream();
        PlainConnection.WriteInt32(body, 1);
        PlainConnection.WriteString(body, topic.Name);
        PlainConnection.WriteInt32(body, topic.Partitions);
        PlainConnection.WriteInt16(body, topic.ReplicationFactor);
        PlainConnection.WriteInt32(body, 0);
        PlainConnection.WriteInt32(body, topic.CleanupPolicy is null ? 0 : 1);
        if (topic.CleanupPolicy is not null)
        {
            PlainConnection.WriteString(body, "cleanup.policy");
            PlainConnection.WriteString(body, topic.CleanupPolicy);
        }

        PlainConnection.WriteInt32(body, TimeoutMs);
        body.WriteByte(0);
        return body.ToArray();
    }

    // Version 1: array of name, error code, nullable message.
    private static void Report(ILogger log, TopicToCreate topic, ReadOnlyMemory<byte> answer)
    {
        var bytes = answer.Span;
        var errorAt = 4 + 2 + Encoding.UTF8.GetByteCount(topic.Name);
        var error = bytes.Length >= errorAt + 4 ? (short)((bytes[errorAt] << 8) | bytes[errorAt + 1]) : (short)-1;
        if (error == 0)
        {
            StartupLog.TopicCreated(log, topic.Name, topic.Partitions);
        }
        else if (error != TopicAlreadyExists)
        {
            var length = bytes.Length >= errorAt + 4 ? (short)((bytes[errorAt + 2] << 8) | bytes[errorAt + 3]) : (short)-1;
            var message = length > 0 && bytes.Length >= errorAt + 4 + length ? Encoding.UTF8.GetString(bytes.Slice(errorAt + 4, length)) : "";
            StartupLog.TopicNotCreated(log, topic.Name, $"error {error} {message}");
        }
    }
}
