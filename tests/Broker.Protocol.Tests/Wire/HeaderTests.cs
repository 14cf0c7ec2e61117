namespace Broker.Protocol.Tests;

public sealed class HeaderTests
{
    [Theory]
    [InlineData(ApiKey.ControlledShutdown, 0, "0007" + "0000" + "00000009", "")]
    [InlineData(ApiKey.Metadata, 1, "0003" + "0001" + "00000009" + "0002" + "6D65", "me")]
    [InlineData(ApiKey.Metadata, 9, "0003" + "0009" + "00000009" + "0002" + "6D65" + "00", "me")]
    public void Request_headers(ApiKey key, short version, string hex, string clientId)
    {
        var header = new RequestHeader(key, version, 9, clientId);
        byte[] bytes = Convert.FromHexString(hex);
        Assert.Equal(bytes.Length, header.Size());

        var written = new byte[header.Size()];
        header.Write(new WireWriter(written));
        Assert.Equal(hex, Convert.ToHexString(written));

        var reader = new WireReader(bytes);
        Assert.Equal(header, RequestHeader.Read(ref reader, (_, _) => true));
        Assert.Equal(0, reader.Remaining);
    }

    [Fact]
    public void A_null_client_id_is_an_empty_one()
    {
        var reader = new WireReader(Convert.FromHexString("0003" + "0009" + "00000001" + "FFFF" + "00"));

        Assert.Equal(new RequestHeader(ApiKey.Metadata, 9, 1, ""), RequestHeader.Read(ref reader, (_, _) => true));
    }

    [Fact]
    public void Of_what_is_not_served_only_the_fixed_part_is_read()
    {
        var reader = new WireReader(Convert.FromHexString("0012" + "7FFF" + "00000001" + "DEAD"));

        Assert.Equal(new RequestHeader(ApiKey.ApiVersions, short.MaxValue, 1, ""), RequestHeader.Read(ref reader, (_, _) => false));
        Assert.Equal(2, reader.Remaining);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0003")]
    [InlineData("00030009000000")]
    [InlineData("0003" + "0009" + "00000001" + "0005" + "6D65" + "00")]
    [InlineData("0003" + "0009" + "00000001" + "FFFE" + "00")]
    [InlineData("0003" + "0009" + "00000001" + "0000" + "FFFFFFFF0F")]
    public void Headers_that_lie_or_end_early_are_refused(string hex) => Assert.Throws<ProtocolException>(() =>
    {
        var reader = new WireReader(Convert.FromHexString(hex));
        RequestHeader.Read(ref reader, (_, _) => true);
    });
}
