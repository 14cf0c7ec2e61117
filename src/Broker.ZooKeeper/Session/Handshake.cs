using System.Security.Cryptography;

namespace Broker.ZooKeeper;

/// <summary>
/// The first frames of a connection: the session, then the credentials. Strictly one question after the other, so that no request of a caller reaches the
/// server before it knows who asks.
/// </summary>
internal sealed class Handshake(Stream stream, FrameReader frames, ZooKeeperClientOptions options)
{
    private const int ProtocolVersion = 0;

    /// <returns>The session, and the timeout that the server gave it, in ms.</returns>
    /// <exception cref="ZooKeeperSessionExpiredException">The server does not know the session, or no longer.</exception>
    public async Task<(SessionIdentity Session, int TimeoutMs)> ConnectAsync(SessionIdentity session, long lastZxid, CancellationToken stop)
    {
        await SendAsync(ConnectFrame(session, lastZxid, options.SessionTimeoutMs), stop).ConfigureAwait(false);
        return ReadConnected((await frames.ReadAsync(stop).ConfigureAwait(false)).Span, session.Id);
    }

    /// <exception cref="ZooKeeperAuthFailedException">The server does not accept them.</exception>
    public async Task AuthenticateAsync(CancellationToken stop)
    {
        if (options.Sasl is { } login)
        {
            await LoginAsync(login, stop).ConfigureAwait(false);
        }

        foreach (ZooKeeperAuth auth in options.Auth)
        {
            await SendAsync(AuthFrame(auth), stop).ConfigureAwait(false);
            ReadOnlyMemory<byte> answer = await frames.ReadAsync(stop).ConfigureAwait(false);
            if (ReadHeader(answer.Span, ReservedXid.Auth, out _) != ZooKeeperError.Ok)
            {
                throw new ZooKeeperAuthFailedException($"ZooKeeper did not accept the credentials of scheme '{auth.Scheme}'");
            }
        }
    }

    private async Task LoginAsync(ZooKeeperSaslLogin login, CancellationToken stop)
    {
        var mechanism = new DigestMd5(login, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        byte[]? challenge = await ExchangeAsync([], login, stop).ConfigureAwait(false);
        byte[] response = mechanism.Respond(challenge ?? []);
        mechanism.Verify(await ExchangeAsync(response, login, stop).ConfigureAwait(false));
    }

    private async Task<byte[]?> ExchangeAsync(byte[] token, ZooKeeperSaslLogin login, CancellationToken stop)
    {
        await SendAsync(SaslFrame(token), stop).ConfigureAwait(false);
        ReadOnlyMemory<byte> answer = await frames.ReadAsync(stop).ConfigureAwait(false);
        ZooKeeperError error = ReadHeader(answer.Span, expectedXid: 0, out JuteReader body);
        return error == ZooKeeperError.Ok ? body.ReadBuffer()
            : throw new ZooKeeperAuthFailedException($"ZooKeeper did not accept the SASL login of user '{login.User}': {error}. Compare user and password with the server's JAAS file");
    }

    private async Task SendAsync(ArraySegment<byte> frame, CancellationToken stop)
    {
        try
        {
            await stream.WriteAsync(frame, stop).ConfigureAwait(false);
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(frame.Array!);
        }
    }

    private static (SessionIdentity Session, int TimeoutMs) ReadConnected(ReadOnlySpan<byte> frame, long askedId)
    {
        var reader = new JuteReader(frame);
        reader.ReadInt32();
        int timeoutMs = reader.ReadInt32();
        long id = reader.ReadInt64();
        byte[] password = reader.ReadBuffer() ?? [];
        return timeoutMs <= 0 || id == 0 ? throw new ZooKeeperSessionExpiredException(askedId)
            : askedId != 0 && id != askedId ? throw new ZooKeeperProtocolException($"The server answered for session 0x{id:x} instead of 0x{askedId:x}")
            : (new SessionIdentity(id, password), timeoutMs);
    }

    private static ZooKeeperError ReadHeader(ReadOnlySpan<byte> frame, int expectedXid, out JuteReader body)
    {
        body = new JuteReader(frame);
        ReplyHeader header = ReplyHeader.Read(ref body);
        return header.Xid == expectedXid ? header.Error
            : throw new ZooKeeperProtocolException($"The server sent frame {header.Xid} where the answer to the credentials ({expectedXid}) belongs");
    }

    private static ArraySegment<byte> ConnectFrame(SessionIdentity session, long lastZxid, int timeoutMs)
    {
        var writer = new JuteWriter();
        writer.Write(ProtocolVersion);
        writer.Write(lastZxid);
        writer.Write(timeoutMs);
        writer.Write(session.Id);
        writer.WriteBuffer(session.Password);
        writer.Write(false);
        return writer.Finish();
    }

    private static ArraySegment<byte> AuthFrame(ZooKeeperAuth auth)
    {
        var writer = new JuteWriter();
        writer.Write(ReservedXid.Auth);
        writer.Write((int)OpCode.Auth);
        writer.Write(0);
        writer.Write(auth.Scheme);
        writer.WriteBuffer(auth.Credentials.Span);
        return writer.Finish();
    }

    private static ArraySegment<byte> SaslFrame(byte[] token)
    {
        var writer = new JuteWriter();
        writer.Write(0);
        writer.Write((int)OpCode.Sasl);
        writer.WriteBuffer(token);
        return writer.Finish();
    }
}
