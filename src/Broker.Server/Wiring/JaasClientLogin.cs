using System.Text.RegularExpressions;
using Broker.ZooKeeper;

namespace Broker.Server;

/// <summary>
/// The login for ZooKeeper where users of Kafka have it: the <c>Client</c> section of the JAAS file that <c>-Djava.security.auth.login.config</c> in KAFKA_OPTS names, with user
/// and password for DIGEST-MD5. Pure.
/// </summary>
internal static partial class JaasClientLogin
{
    /// <summary>Null when no file is named, or it has no such section.</summary>
    /// <exception cref="FormatException">The section has no user or password, or asks for another mechanism.</exception>
    public static ZooKeeperSaslLogin? Read(string? javaOptions, Func<string, string> readFile)
    {
        Match option = FileOption().Match(javaOptions ?? "");
        if (!option.Success)
        {
            return null;
        }

        string path = option.Groups[1].Value;
        Match section = ClientSection().Match(QuotedOrComment().Replace(readFile(path), m => m.Value[0] == '"' ? m.Value : ""));
        if (!section.Success)
        {
            return null;
        }

        string body = section.Groups[1].Value;
        string? user = Value(body, "username");
        string? password = Value(body, "password");
        return user is not null && password is not null
            ? new ZooKeeperSaslLogin(user, password)
            : throw new FormatException($"Section Client of {path} has no username and password: logins to ZooKeeper are DIGEST-MD5 here (org.apache.zookeeper.server.auth.DigestLoginModule)");
    }

    private static string? Value(string body, string key) =>
        Regex.Match(body, $"\\b{key}\\s*=\\s*\"([^\"]*)\"") is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex(@"-Djava\.security\.auth\.login\.config=(\S+)")]
    private static partial Regex FileOption();

    [GeneratedRegex(@"(?:^|[\s;}])Client\s*\{([^}]*)\}")]
    private static partial Regex ClientSection();

    [GeneratedRegex(@"""[^""]*""|/\*.*?\*/|//[^\n]*", RegexOptions.Singleline)]
    private static partial Regex QuotedOrComment();
}
