namespace Broker.Server.Tests;

/// <summary>Logins to ZooKeeper as JAAS files have them.</summary>
public sealed class JaasClientLoginTests
{
    private const string Options = "-Xmx1g -Djava.security.auth.login.config=/etc/kafka/jaas.conf -Dx=y";

    [Fact]
    public void The_client_section_is_found_among_others()
    {
        const string File = """
            // brokers
            KafkaServer { org.apache.kafka.common.security.plain.PlainLoginModule required username="a" password="b"; };
            /* ZooKeeper */ Client {
              org.apache.zookeeper.server.auth.DigestLoginModule required
              username="kafka"
              password="s3cret//";
            };
            """;
        var login = JaasClientLogin.Read(Options, path => path == "/etc/kafka/jaas.conf" ? File : throw new FileNotFoundException(path))!;
        Assert.Equal(("kafka", "s3cret//"), (login.User, login.Password));
    }

    [Fact]
    public void Without_a_file_or_a_section_there_is_no_login_and_half_a_one_is_refused()
    {
        Assert.Null(JaasClientLogin.Read(null, _ => ""));
        Assert.Null(JaasClientLogin.Read("-Xmx1g", _ => ""));
        Assert.Null(JaasClientLogin.Read(Options, _ => "KafkaClient { x required username=\"a\" password=\"b\"; };"));
        Assert.Throws<FormatException>(() => JaasClientLogin.Read(Options, _ => "Client { com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true; };"));
    }
}
