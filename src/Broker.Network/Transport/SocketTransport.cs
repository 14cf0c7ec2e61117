using System.IO.Pipelines;
using System.Net.Sockets;
using Broker.Protocol;

namespace Broker.Network;

/// <summary>A plain TCP connection: owns its socket.</summary>
internal sealed class SocketTransport : ITransport
{
    private readonly Socket _socket;
    private readonly SocketReader _reader;
    private readonly SocketWriter _writer;
    private readonly CancellationTokenSource? _stop;

    public SocketTransport(Socket socket)
    {
        // sendfile knows no "don't wait" flag; the asynchronous calls of the runtime do not mind.
        socket.Blocking = false;
        _socket = socket;

        // Linux ends a pending receive when the receiving side is shut down; elsewhere it has to be cancelled.
        _stop = OperatingSystem.IsLinux() ? null : new CancellationTokenSource();
        _reader = new SocketReader(socket, _stop?.Token ?? CancellationToken.None);
        _writer = new SocketWriter(socket);
    }

    public PipeReader Input => _reader;

    public PipeWriter Output => _writer;

    public long BytesReceived => _reader.BytesReceived;

    public long BytesSent => _writer.BytesSent;

    public PooledBuffer ShareInput() => _reader.Share();

    public ValueTask SendFileAsync(FileSlice slice) => _writer.SendFileAsync(slice);

    public void StopReceiving()
    {
        Shutdown(SocketShutdown.Receive);
        _stop?.Cancel();
    }

    public void Abort() => _socket.Dispose();

    public void Close()
    {
        Shutdown(SocketShutdown.Both);
        _socket.Dispose();
    }

    private void Shutdown(SocketShutdown how)
    {
        try
        {
            _socket.Shutdown(how);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer was faster: there is nothing left to shut down.
        }
    }
}
