using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Broker.Network;

/// <summary>One bound address and its accept loop. Life: bind, accept, dispose; owns the listening socket, never the accepted ones.</summary>
internal sealed class Listener : IDisposable
{
    // What stops accept (no file descriptors left, say) is over in moments or in minutes; a short pause serves both.
    private const int RetryDelayMs = 100;

    private readonly Socket _socket;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private Task _accepting = Task.CompletedTask;
    private bool _isClosed;

    private Listener(string name, Socket socket, TimeProvider time, ILogger log)
    {
        Name = name;
        _socket = socket;
        _time = time;
        _log = log;
        EndPoint = ClientAddress.Normalise(socket.LocalEndPoint);
    }

    public string Name { get; }

    public IPEndPoint EndPoint { get; }

    /// <summary>Binds and listens: the system queues clients from now on, up to the backlog.</summary>
    public static async Task<Listener> BindAsync(ListenerOptions options, int receiveBufferBytes, TimeProvider time, ILogger log)
    {
        string shownHost = options.Host.Length == 0 ? "0.0.0.0" : options.Host;
        try
        {
            IPAddress address = await ResolveAsync(options.Host).ConfigureAwait(false);
            Socket socket = Bind(address, options, receiveBufferBytes);
            return new Listener(options.Name, socket, time, log);
        }
        catch (SocketException e)
        {
            throw new ListenerBindException($"Socket server failed to bind to {shownHost}:{options.Port}: {Explain(e.SocketErrorCode, e.Message, options)}", e);
        }
    }

    public void StartAccepting(Action<Listener, Socket> onAccepted) => _accepting = AcceptAsync(onAccepted);

    /// <summary>Completes when no further connection can come out of this listener.</summary>
    public Task CloseAsync()
    {
        Dispose();
        return _accepting;
    }

    public void Dispose()
    {
        Volatile.Write(ref _isClosed, true);
        _socket.Dispose();
    }

    private static async Task<IPAddress> ResolveAsync(string host)
    {
        if (host.Length == 0)
        {
            return IPAddress.Any;
        }

        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            return address;
        }

        IPAddress[] addresses = await Dns.GetHostAddressesAsync(host).ConfigureAwait(false);

        // A name with both families is bound to IPv4, where clients that know only the name look first.
        return Array.Find(addresses, a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
    }

    /// <summary>The wildcard takes both families where the system has them, as it does for a Java broker: clients that resolve localhost to ::1 must get through.</summary>
    private static Socket Bind(IPAddress address, ListenerOptions options, int receiveBufferBytes)
    {
        if (address.Equals(IPAddress.Any) && Socket.OSSupportsIPv6)
        {
            try
            {
                return Listen(IPAddress.IPv6Any, dualMode: true, options, receiveBufferBytes);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable or SocketError.OperationNotSupported)
            {
                // IPv6 is compiled in but switched off (containers).
            }
        }

        return Listen(address, address.Equals(IPAddress.IPv6Any), options, receiveBufferBytes);
    }

    private static Socket Listen(IPAddress address, bool dualMode, ListenerOptions options, int receiveBufferBytes)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (dualMode)
            {
                socket.DualMode = true;
            }

            if (receiveBufferBytes > 0)
            {
                // Accepted sockets inherit it; set later it would come too late for the window scale.
                socket.ReceiveBufferSize = receiveBufferBytes;
            }

            socket.Bind(new IPEndPoint(address, options.Port));
            socket.Listen(options.Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Explain(SocketError error, string message, ListenerOptions options) => error switch
    {
        SocketError.AddressAlreadyInUse => "Address already in use. Stop the process that listens there, or give this broker another port in 'listeners'.",
        SocketError.AccessDenied => "Permission denied. Use a port from 1024 up in 'listeners', or grant the process the right to bind lower ones.",
        SocketError.AddressNotAvailable =>
            $"Cannot assign requested address. No network interface of this machine has {options.Host}; use one of its addresses, or an empty host for all of them, in 'listeners' (clients are told 'advertised.listeners').",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => $"The host name {options.Host} cannot be resolved. Correct it in 'listeners', or use an empty host for every address of this machine.",
        _ => $"{message}. Check the listener {options.Name} in 'listeners'.",
    };

    private async Task AcceptAsync(Action<Listener, Socket> onAccepted)
    {
        while (!Volatile.Read(ref _isClosed))
        {
            try
            {
                onAccepted(this, await _socket.AcceptAsync().ConfigureAwait(false));
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException) when (Volatile.Read(ref _isClosed))
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset or SocketError.Interrupted)
            {
                // The client gave up before it was accepted.
            }
            catch (SocketException e)
            {
                NetworkLog.AcceptFailed(_log, Name, e.Message, RetryDelayMs);
                await Task.Delay(TimeSpan.FromMilliseconds(RetryDelayMs), _time).ConfigureAwait(false);
            }
        }
    }
}
