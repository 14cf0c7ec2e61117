using System.Buffers.Binary;
using System.Net.Sockets;
using Broker.Configuration;
using Broker.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Server.Tests;

/// <summary>A broker inside the test process with its own directory, and one connection to it that sends requests of any version, byte by byte as they go over the wire.</summary>
internal sealed class TestBroker : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _directory;
    private readonly IReadOnlyDictionary<string, string> _settings;
    private BrokerServer _server;
    private TcpClient _client = new();
    private int _correlationId;

    private TestBroker(string directory, IReadOnlyDictionary<string, string> settings)
    {
        _directory = directory;
        _settings = settings;
        _server = Make();
    }

    public int Port => _server.Report.Listeners[0].BoundPort;

    public static async Task<TestBroker> StartAsync(params (string Key, string Value)[] settings)
    {
        string directory = Directory.CreateTempSubdirectory("broker-server-test-").FullName;
        var all = new Dictionary<string, string>
        {
            ["listeners"] = "PLAINTEXT://127.0.0.1:0",
            ["log.dirs"] = directory,
            ["broker.id"] = "1",
            ["offsets.topic.replication.factor"] = "1",
            ["offsets.topic.num.partitions"] = "2",
            ["transaction.state.log.replication.factor"] = "1",
            ["transaction.state.log.min.isr"] = "1",
            ["transaction.state.log.num.partitions"] = "2",
            ["group.initial.rebalance.delay.ms"] = "0",
        };
        foreach ((string key, string value) in settings)
        {
            all[key] = value;
        }

        var broker = new TestBroker(directory, all);
        await broker.OpenAsync();
        return broker;
    }

    /// <summary>Stops in good order and starts again over the same directory.</summary>
    public async Task RestartAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        _server = Make();
        _client = new TcpClient();
        await OpenAsync();
    }

    public async Task<TResponse> AskAsync<TResponse>(ApiKey key, int version, IMessage request)
        where TResponse : IMessage
    {
        var header = new RequestHeader(key, (short)version, ++_correlationId, "test");
        byte[] frame = new byte[4 + header.Size() + request.Size((short)version)];
        BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length - 4);
        var writer = new WireWriter(frame, 4);
        header.Write(writer);
        request.Write(writer, (short)version);
        Assert.Equal(frame.Length, writer.Position);

        using var cancellation = new CancellationTokenSource(Patience);
        NetworkStream stream = _client.GetStream();
        await stream.WriteAsync(frame, cancellation.Token);
        byte[] length = new byte[4];
        await stream.ReadExactlyAsync(length, cancellation.Token);
        byte[] answer = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        await stream.ReadExactlyAsync(answer, cancellation.Token);
        return Decode<TResponse>(key, (short)version, answer, _correlationId);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private static TResponse Decode<TResponse>(ApiKey key, short version, byte[] answer, int correlationId)
    {
        var reader = new WireReader(answer);
        Assert.Equal(correlationId, reader.ReadInt32());
        if (ApiCatalog.ResponseHeaderVersion(key, version) >= 1)
        {
            reader.SkipTags();
        }

        var response = (TResponse)ApiCatalog.Get(key).ReadResponse(ref reader, version);
        Assert.Equal(0, reader.Remaining);
        return response;
    }

    private BrokerServer Make() => new(BrokerConfig.FromSettings(_settings), TimeProvider.System, NullLoggerFactory.Instance);

    private async Task OpenAsync()
    {
        await _server.StartAsync(CancellationToken.None);
        await _client.ConnectAsync("127.0.0.1", Port);
    }
}
