namespace Broker.ZooKeeper.Tests;

public sealed class ConnectStringTests
{
    [Theory]
    [InlineData("h", "h:2181", "")]
    [InlineData("h1:2182,h2", "h1:2182,h2:2181", "")]
    [InlineData("h1, h2:1/kafka", "h1:2181,h2:1", "/kafka")]
    [InlineData("h/", "h:2181", "")]
    [InlineData("h/a/b", "h:2181", "/a/b")]
    [InlineData("[::1]:2181,[fe80::1]/x", "[::1]:2181,[fe80::1]:2181", "/x")]
    public void Servers_and_chroot_are_read(string text, string servers, string chroot)
    {
        ZooKeeperConnectString parsed = ZooKeeperConnectString.Parse(text);

        Assert.Equal((servers, chroot), (string.Join(',', parsed.Servers), parsed.Chroot));
    }

    [Theory]
    [InlineData("", "names no ZooKeeper server")]
    [InlineData("/kafka", "names no ZooKeeper server")]
    [InlineData("h:0", "'h:0'")]
    [InlineData("h:65536", "'h:65536'")]
    [InlineData("h:x", "'h:x'")]
    [InlineData(":2181", "':2181'")]
    [InlineData("h/a/", "'/a/'")]
    [InlineData("h//a", "'//a'")]
    public void What_is_wrong_is_said(string text, string problem) =>
        Assert.Contains(problem, Assert.Throws<FormatException>(() => ZooKeeperConnectString.Parse(text)).Message, StringComparison.Ordinal);
}
