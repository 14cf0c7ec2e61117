namespace Broker.EndToEnd;

/// <summary>
/// Starts the broker, or with <c>BROKER_TEST_AGAINST=4.3</c> a released Apache Kafka in its place: a test that fails there too is a wrong test.
/// </summary>
internal static class ServerUnderTest
{
    private static string? Release { get; } = Environment.GetEnvironmentVariable("BROKER_TEST_AGAINST");

    public static async Task<IServerUnderTest> StartAsync(params string[] settings) =>
        Release is null ? await BrokerProcess.StartAsync(settings) : await OracleKafka.StartAsync(Release, settings);
}
