using System.Security.Cryptography;
using System.Text;

namespace Broker.ZooKeeper;

/// <summary>The client's half of SASL DIGEST-MD5 (RFC 2831), quality of protection "auth". Pure: the nonce comes from outside.</summary>
internal sealed class DigestMd5(ZooKeeperSaslLogin login, string clientNonce)
{
    // The name that ZooKeeper's server gives itself in this mechanism, whatever its host is called.
    private const string ServerName = "zk-sasl-md5";
    private const string NonceCount = "00000001";

    private string? _expectedAnswer;

    /// <exception cref="ZooKeeperAuthFailedException">The challenge is none, or asks for what this client does not do.</exception>
    public byte[] Respond(byte[] challenge)
    {
        Dictionary<string, string> fields = Parse(Encoding.UTF8.GetString(challenge));
        string nonce = fields.GetValueOrDefault("nonce") ?? throw new ZooKeeperAuthFailedException("The server's SASL challenge has no nonce");
        string realm = fields.GetValueOrDefault("realm", "");
        if (fields.TryGetValue("qop", out string? qop) && !qop.Split(',', StringSplitOptions.TrimEntries).Contains("auth"))
        {
            throw new ZooKeeperAuthFailedException($"The server asks for SASL protection '{qop}'; only 'auth' is supported, and TLS for secrecy");
        }

        string uri = $"{login.ServiceName}/{ServerName}";
        string secret = SessionSecret(realm, nonce);
        string response = Answer(secret, nonce, $"AUTHENTICATE:{uri}");
        _expectedAnswer = Answer(secret, nonce, $":{uri}");
        var text = new StringBuilder("charset=utf-8");
        text.Append(",username=\"").Append(Quoted(login.User)).Append('"');
        if (realm.Length > 0)
        {
            text.Append(",realm=\"").Append(Quoted(realm)).Append('"');
        }

        text.Append(",nonce=\"").Append(Quoted(nonce)).Append("\",nc=").Append(NonceCount).Append(",cnonce=\"").Append(clientNonce)
            .Append("\",digest-uri=\"").Append(Quoted(uri)).Append("\",maxbuf=65536,response=").Append(response).Append(",qop=auth");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>The server proves that it knows the password too.</summary>
    public void Verify(byte[]? lastToken)
    {
        string? answer = lastToken is null ? null : Parse(Encoding.UTF8.GetString(lastToken)).GetValueOrDefault("rspauth");
        if (answer is null || _expectedAnswer is null
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(answer), Encoding.UTF8.GetBytes(_expectedAnswer)))
        {
            throw new ZooKeeperAuthFailedException("The server could not prove that it knows the SASL password");
        }
    }

    /// <summary>key=value and key="quoted value", separated by commas.</summary>
    internal static Dictionary<string, string> Parse(string text)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        int at = 0;
        while (at < text.Length)
        {
            int equals = text.IndexOf('=', at);
            if (equals < 0)
            {
                break;
            }

            string key = text[at..equals].Trim(' ', ',');
            at = equals + 1;
            var value = new StringBuilder();
            bool quoted = at < text.Length && text[at] == '"';
            at += quoted ? 1 : 0;
            while (at < text.Length && text[at] != (quoted ? '"' : ','))
            {
                at += quoted && text[at] == '\\' && at + 1 < text.Length ? 1 : 0;
                value.Append(text[at++]);
            }

            at += quoted ? 2 : 1;
            fields[key] = value.ToString();
        }

        return fields;
    }

    private string SessionSecret(string realm, string nonce)
    {
        byte[] user = MD5.HashData(Encoding.UTF8.GetBytes($"{login.User}:{realm}:{login.Password}"));
        return Hex([.. user, .. Encoding.UTF8.GetBytes($":{nonce}:{clientNonce}")]);
    }

    private string Answer(string secret, string nonce, string action) =>
        Hex(Encoding.UTF8.GetBytes($"{secret}:{nonce}:{NonceCount}:{clientNonce}:auth:{Hex(Encoding.UTF8.GetBytes(action))}"));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));

    private static string Quoted(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
}
