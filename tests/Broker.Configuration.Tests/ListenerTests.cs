using static Broker.Configuration.Tests.Settings;

namespace Broker.Configuration.Tests;

public sealed class ListenerTests
{
    [Theory]
    [InlineData("PLAINTEXT://:9092", "PLAINTEXT://:9092", "PLAINTEXT://here:9092")]
    [InlineData("plaintext://localhost:9092", "PLAINTEXT://localhost:9092", "PLAINTEXT://localhost:9092")]
    [InlineData("PLAINTEXT://[::1]:9092", "PLAINTEXT://[::1]:9092", "PLAINTEXT://[::1]:9092")]
    [InlineData("PLAINTEXT://::1:9092", "PLAINTEXT://[::1]:9092", "PLAINTEXT://[::1]:9092")]
    [InlineData("PLAINTEXT://my_host-1.example:0,", "PLAINTEXT://my_host-1.example:0", "PLAINTEXT://my_host-1.example:0")]
    public void OneListener(string text, string bound, string advertised)
    {
        var result = BrokerConfig.Parse([Entries(("listeners", text))], new ConfigParseOptions { LocalHostName = "here" });

        Assert.Empty(result.Errors);
        Assert.Equal([bound], result.Config!.Listeners.Select(listener => listener.ToString()));
        Assert.Equal([advertised], result.Config.AdvertisedListeners.Select(listener => listener.ToString()));
    }

    [Fact]
    public void ContainerTestModulesAreUnderstood()
    {
        // As the .NET module of Testcontainers sets it: trailing comma, empty hosts, hyphen in a name, a controller that is not advertised.
        var result = Parse(
            ("listeners", "PLAINTEXT://:9092,BROKER://:9093,CONTROLLER://:9094,TC-0://:19092"),
            ("advertised.listeners", "PLAINTEXT://127.0.0.1:32768,BROKER://172.17.0.2:9093,TC-0://kafka:19092,"),
            ("listener.security.protocol.map", "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TC-0:PLAINTEXT"),
            ("inter.broker.listener.name", "BROKER"),
            ("controller.listener.names", "CONTROLLER"),
            ("process.roles", "broker,controller"),
            ("node.id", "1"),
            ("broker.id", "1"),
            ("controller.quorum.voters", "1@localhost:9094"));

        Assert.Empty(result.Errors);
        Assert.Equal(["PLAINTEXT", "BROKER", "TC-0"], result.Config!.Listeners.Select(listener => listener.Name));
        Assert.Equal("PLAINTEXT://127.0.0.1:32768", result.Config.AdvertisedListeners[0].ToString());
        Assert.Equal("BROKER", result.Config.InterBrokerListenerName);
        Assert.Contains(result.Notices, notice => notice.Contains("CONTROLLER://:9094 is left out", StringComparison.Ordinal));
        Assert.Contains(result.Notices, notice => notice.Contains("controller.quorum.voters", StringComparison.Ordinal));
    }

    [Fact]
    public void ControllerListenerIsLeftOutWithoutItsKeyWhenNotAdvertised()
    {
        // As Aspire sets it; the image is expected to know the rest.
        var config = Valid(
            ("listeners", "PLAINTEXT://localhost:29092,CONTROLLER://localhost:29093,PLAINTEXT_HOST://0.0.0.0:9092,PLAINTEXT_INTERNAL://0.0.0.0:9093"),
            ("listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT,PLAINTEXT_INTERNAL:PLAINTEXT"),
            ("advertised.listeners", "PLAINTEXT://localhost:29092,PLAINTEXT_HOST://localhost:32770,PLAINTEXT_INTERNAL://kafka:9093"));

        Assert.Equal(["PLAINTEXT", "PLAINTEXT_HOST", "PLAINTEXT_INTERNAL"], config.Listeners.Select(listener => listener.Name));
    }

    [Theory]
    [InlineData("PLAINTEXT//:9092", "Unable to parse PLAINTEXT//:9092 to a broker endpoint")]
    [InlineData("PLAINTEXT://:port", "Unable to parse PLAINTEXT://:port to a broker endpoint")]
    [InlineData("PLAINTEXT://:65536", "Unable to parse PLAINTEXT://:65536 to a broker endpoint")]
    [InlineData("PLAINTEXT://a b:9092", "Unable to parse PLAINTEXT://a b:9092 to a broker endpoint")]
    [InlineData("PLAINTEXT://[::1:9092", "Unable to parse PLAINTEXT://[::1:9092 to a broker endpoint")]
    [InlineData("CLIENT://:9092", "No security protocol defined for listener CLIENT")]
    [InlineData("PLAINTEXT://a:9092,PLAINTEXT://b:9093", "Each listener must have a different name, listeners: PLAINTEXT://a:9092,PLAINTEXT://b:9093")]
    [InlineData("PLAINTEXT://0.0.0.0:9092", "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.")]
    [InlineData(",", "No listener is left")]
    public void BadListenersSayWhatKafkaSays(string text, string reason)
    {
        var error = SingleError(("listeners", text));

        Assert.Contains(reason, error.Reason, StringComparison.Ordinal);
        Assert.Equal(("listeners", text, "test"), (error.Key, error.Value, error.Origin));
        Assert.NotEmpty(error.Remedy);
    }

    [Fact]
    public void PortsMustDifferUnlessOneIsIPv4AndTheOtherIPv6()
    {
        var map = ("listener.security.protocol.map", "A:PLAINTEXT,B:PLAINTEXT");
        var name = ("inter.broker.listener.name", "A");

        Valid(("listeners", "A://127.0.0.1:9092,B://[::1]:9092"), map, name);
        var error = SingleError(("listeners", "A://one:9092,B://two:9092"), map, name);

        Assert.Contains("Each listener must have a different port", error.Reason, StringComparison.Ordinal);
        Assert.Contains("A://one:9092 and B://two:9092", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void AdvertisedPortsMayBeTheSame() => Valid(
        ("listeners", "A://:9092,B://:9093"),
        ("advertised.listeners", "A://balancer:9092,B://balancer:9092"),
        ("listener.security.protocol.map", "A:PLAINTEXT,B:PLAINTEXT"),
        ("inter.broker.listener.name", "A"));

    [Fact]
    public void AdvertisedNamesMustBeListeners()
    {
        var error = SingleError(("listeners", "PLAINTEXT://:9092"), ("advertised.listeners", "PLAINTEXT://h:9092,SSL://h:9093"));

        Assert.Contains("Found PLAINTEXT,SSL. The valid options based on the current configuration are PLAINTEXT", error.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherProtocolsAreNotSupportedYet()
    {
        var error = SingleError(("listeners", "PLAINTEXT://:9092,SSL://:9093"));

        Assert.Contains("SSL://:9093 has security protocol SSL, which is not supported yet", error.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("A:PLAINTXT", "Invalid security protocol `PLAINTXT` defined in listener.security.protocol.map")]
    [InlineData("PLAINTEXT:PLAINTEXT,PLAINTEXT:SSL", "Listener name PLAINTEXT appears more than once.")]
    [InlineData("PLAINTEXT:PLAINTEXT,SSL", "'SSL' is not of the form NAME:PROTOCOL.")]
    public void BadProtocolMaps(string map, string reason) =>
        Assert.Contains(Parse(("listener.security.protocol.map", map)).Errors, error => error.Reason == reason && error.Key == "listener.security.protocol.map");

    [Fact]
    public void InterBrokerListenerMustBeAdvertised()
    {
        var error = SingleError(("listeners", "CLIENT://:9092"), ("listener.security.protocol.map", "CLIENT:PLAINTEXT"));

        Assert.Contains("inter.broker.listener.name must be a listener name defined in advertised.listeners.", error.Reason, StringComparison.Ordinal);
        Assert.Contains("Set inter.broker.listener.name=CLIENT", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void InterBrokerListenerIsNamedOnce()
    {
        var error = SingleError(("inter.broker.listener.name", "PLAINTEXT"), ("security.inter.broker.protocol", "PLAINTEXT"));

        Assert.Equal("Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.", error.Reason);
    }

    [Fact]
    public void RemovedKeysKeepTheirMeaning()
    {
        var config = Valid(("advertised.host.name", "192.168.99.100"), ("port", "9099"));

        Assert.Equal("PLAINTEXT://:9099", config.Listeners[0].ToString());
        Assert.Equal("PLAINTEXT://192.168.99.100:9099", config.AdvertisedListeners[0].ToString());
        Assert.Equal("Invalid value tcp for configuration port: Not a number of type INT", SingleError(("port", "tcp")).Reason);
    }
}
