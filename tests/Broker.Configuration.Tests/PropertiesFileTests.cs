using System.Text;

namespace Broker.Configuration.Tests;

/// <summary>Java's rules for properties files.</summary>
public sealed class PropertiesFileTests
{
    [Theory]
    [InlineData("a=b", "a", "b")]
    [InlineData("a = b ", "a", "b ")]
    [InlineData("a:b", "a", "b")]
    [InlineData("a b=c", "a", "b=c")]
    [InlineData("a\t:\tb", "a", "b")]
    [InlineData("  a=b", "a", "b")]
    [InlineData("a", "a", "")]
    [InlineData("a==b", "a", "=b")]
    [InlineData("a\\ b=c", "a b", "c")]
    [InlineData("a\\=b=c", "a=b", "c")]
    [InlineData("a\\:b:c", "a:b", "c")]
    [InlineData("a=b\\\n  c", "a", "bc")]
    [InlineData("a=b\\\\\nx=y", "a", "b\\")]
    [InlineData("a=\\u00e9\\t\\q", "a", "é\tq")]
    [InlineData("a=b#c", "a", "b#c")]
    [InlineData("# c\n! d\n\na=b", "a", "b")]
    [InlineData("a=b\r\nc=d", "a", "b")]
    [InlineData("listeners=PLAINTEXT://:9092,\\\n#not a comment", "listeners", "PLAINTEXT://:9092,#not a comment")]
    [InlineData("a=\\", "a", "")]
    [InlineData("a\\", "a", "")]
    public void OneEntry(string text, string key, string value)
    {
        var entry = PropertiesFile.Parse(Encoding.Latin1.GetBytes(text), "f")[0];

        Assert.Equal((key, value), (entry.Key, entry.Value));
    }

    [Fact]
    public void EntriesKnowTheirLine()
    {
        var entries = PropertiesFile.Parse("# one\na=1\nb=2\\\n3\n\nc=4"u8, "server.properties");

        Assert.Equal(["server.properties line 2", "server.properties line 3", "server.properties line 6"], entries.Select(entry => entry.Origin));
        Assert.Equal(["1", "23", "4"], entries.Select(entry => entry.Value));
    }

    [Fact]
    public void BytesAreLatin1AndAByteOrderMarkIsPassedOver()
    {
        Assert.Equal("é", PropertiesFile.Parse([(byte)'a', (byte)'=', 0xE9], "f")[0].Value);
        Assert.Equal("a", PropertiesFile.Parse("\uFEFFa=b"u8, "f")[0].Key);
    }

    [Fact]
    public void BrokenEscapeNamesTheLine()
    {
        var error = Assert.Throws<FormatException>(() => PropertiesFile.Parse("a=1\nb=\\u12"u8, "f"));

        Assert.Contains("f line 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnyBytesAreReadWithoutFailure()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var alphabet = "a=: \t\f\\#!\r\nu0é"u8.ToArray();
        for (var i = 0; i < 2000; i++)
        {
            var bytes = Enumerable.Range(0, random.Next(40)).Select(_ => alphabet[random.Next(alphabet.Length)]).ToArray();
            try
            {
                PropertiesFile.Parse(bytes, "f");
            }
            catch (FormatException)
            {
                // Only broken \u escapes may end so.
                Assert.True(Encoding.Latin1.GetString(bytes).Contains("\\u", StringComparison.Ordinal), $"seed {seed}, round {i}");
            }
        }
    }
}
