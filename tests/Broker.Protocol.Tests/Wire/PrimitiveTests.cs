namespace Broker.Protocol.Tests;

/// <summary>The primitives against bytes worked out by hand.</summary>
public sealed class PrimitiveTests
{
    [Theory]
    [InlineData(0u, "00")]
    [InlineData(1u, "01")]
    [InlineData(127u, "7F")]
    [InlineData(128u, "8001")]
    [InlineData(16383u, "FF7F")]
    [InlineData(16384u, "808001")]
    [InlineData(2097151u, "FFFF7F")]
    [InlineData(2097152u, "80808001")]
    [InlineData(268435455u, "FFFFFF7F")]
    [InlineData(268435456u, "8080808001")]
    [InlineData(uint.MaxValue, "FFFFFFFF0F")]
    public void Unsigned_varints(uint value, string hex)
    {
        Assert.Equal(hex, Written(w => w.WriteUnsignedVarint(value), WireSize.UnsignedVarint(value)));
        Assert.Equal(value, Reader(hex).ReadUnsignedVarint());
    }

    [Theory]
    [InlineData("00", 0)]
    [InlineData("01", -1)]
    [InlineData("02", 1)]
    [InlineData("FEFFFFFF0F", int.MaxValue)]
    [InlineData("FFFFFFFF0F", int.MinValue)]
    public void Signed_varints(string hex, int value) => Assert.Equal(value, Reader(hex).ReadVarint());

    [Theory]
    [InlineData("FEFFFFFFFFFFFFFFFF01", long.MaxValue)]
    [InlineData("FFFFFFFFFFFFFFFFFF01", long.MinValue)]
    public void Signed_varlongs(string hex, long value) => Assert.Equal(value, Reader(hex).ReadVarlong());

    [Theory]
    [InlineData("FFFFFFFFFF01")]
    [InlineData("FFFFFFFF1F")]
    [InlineData("FF")]
    public void Varints_that_do_not_end_or_do_not_fit_are_refused(string hex) => Assert.Throws<ProtocolException>(() => Reader(hex).ReadUnsignedVarint());

    [Theory]
    [InlineData("é", false, "0002C3A9")]
    [InlineData("é", true, "03C3A9")]
    [InlineData("", false, "0000")]
    [InlineData("", true, "01")]
    [InlineData(null, false, "FFFF")]
    [InlineData(null, true, "00")]
    public void Strings(string? value, bool compact, string hex)
    {
        Assert.Equal(hex, Written(w => w.WriteString(value, compact), WireSize.String(value, compact)));
        Assert.Equal(value, Reader(hex).ReadNullableString(compact));
    }

    [Theory]
    [InlineData("FFFE", false)]
    [InlineData("8000", false)]
    [InlineData("0003C3A9", false)]
    [InlineData("04C3A9", true)]
    [InlineData("FFFFFFFF0F", true)]
    public void Strings_longer_than_what_is_left_or_shorter_than_null_are_refused(string hex, bool compact) =>
        Assert.Throws<ProtocolException>(() => Reader(hex).ReadNullableString(compact));

    [Fact]
    public void A_null_where_none_may_be_is_refused()
    {
        Assert.Throws<ProtocolException>(() => Reader("FFFF").ReadString(compact: false));
        Assert.Throws<ProtocolException>(() => Reader("00").ReadBytes(compact: true));
        Assert.Throws<ProtocolException>(() => Reader("FFFFFFFF").ReadRecords(compact: false, nullable: false));
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_are_replaced() => Assert.Equal("a\uFFFD", Reader("0002" + "61FF").ReadString(compact: false));

    [Fact]
    public void A_string_too_long_for_16_bits_is_not_sent_in_that_encoding()
    {
        string value = new('x', short.MaxValue + 1);
        Assert.Throws<ArgumentException>(() => new WireWriter(new byte[40000]).WriteString(value, compact: false));
        new WireWriter(new byte[40000]).WriteString(value, compact: true);
    }

    [Theory]
    [InlineData("00000003", false, 4, 12, 3)]
    [InlineData("FFFFFFFF", false, 4, 0, -1)]
    [InlineData("04", true, 4, 12, 3)]
    [InlineData("00", true, 4, 0, -1)]
    public void Array_counts_that_fit(string hex, bool compact, int minElementBytes, int following, int count) =>
        Assert.Equal(count, Reader(hex + new string('0', 2 * following)).ReadArrayCount(compact, minElementBytes));

    [Theory]
    [InlineData("00000003", false, 4, 11)]
    [InlineData("FFFFFFFE", false, 4, 100)]
    [InlineData("7FFFFFFF", false, 4, 100)]
    [InlineData("80000000", false, 4, 100)]
    [InlineData("FFFFFFFF0F", true, 4, 100)]
    public void Array_counts_that_lie(string hex, bool compact, int minElementBytes, int following) =>
        Assert.Throws<ProtocolException>(() => Reader(hex + new string('0', 2 * following)).ReadArrayCount(compact, minElementBytes));

    [Fact]
    public void Uuids_are_big_endian_and_read_as_url_safe_base64()
    {
        var id = new Guid("00112233-4455-6677-8899-aabbccddeeff");

        Assert.Equal("00112233445566778899AABBCCDDEEFF", Written(w => w.WriteUuid(id), 16));
        Assert.Equal(id, Reader("00112233445566778899AABBCCDDEEFF").ReadUuid());
        Assert.Equal("ABEiM0RVZneImaq7zN3u_w", Uuids.ToText(id));
        Assert.True(Uuids.TryParse("ABEiM0RVZneImaq7zN3u_w", out Guid parsed));
        Assert.Equal(id, parsed);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ABEiM0RVZneImaq7zN3u_")]
    [InlineData("ABEiM0RVZneImaq7zN3u+w")]
    [InlineData("ABEiM0RVZneImaq7zN3u_w==")]
    [InlineData("ABEiM0RVZneImaq7 N3u_w")]
    public void Texts_that_are_no_uuid(string? text) => Assert.False(Uuids.TryParse(text, out _));

    [Fact]
    public void Writing_beyond_the_destination_fails() => Assert.ThrowsAny<ArgumentException>(() => new WireWriter(new byte[3]).WriteInt32(1));

    private static WireReader Reader(string hex) => new(Convert.FromHexString(hex));

    private static string Written(Action<WireWriter> write, int size)
    {
        var bytes = new byte[size];
        var writer = new WireWriter(bytes);
        write(writer);
        Assert.Equal(size, writer.Position);
        return Convert.ToHexString(bytes);
    }
}
