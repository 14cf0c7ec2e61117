using System.Text;

namespace Broker.ZooKeeper;

/// <summary>Credentials sent on every connection; for the scheme "digest" they are <c>user:password</c>.</summary>
public sealed record ZooKeeperAuth(string Scheme, ReadOnlyMemory<byte> Credentials)
{
    public static ZooKeeperAuth Digest(string user, string password) => new("digest", Encoding.UTF8.GetBytes($"{user}:{password}"));

    /// <summary>Credentials do not belong into logs.</summary>
    public override string ToString() => $"{Scheme} credentials";
}
