namespace Broker.Cluster.Tests;

public sealed class TopicNamesTests
{
    [Theory]
    [InlineData("", "Topic name is invalid: the empty string is not allowed")]
    [InlineData(".", "Topic name is invalid: '.' is not allowed")]
    [InlineData("..", "Topic name is invalid: '..' is not allowed")]
    [InlineData("a b", "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")]
    [InlineData("ä", "Topic name is invalid: 'ä' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")]
    [InlineData("a/b", "Topic name is invalid: 'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")]
    [InlineData("...", null)]
    [InlineData("A-z_0.9", null)]
    public void Names(string name, string? problem) => Assert.Equal(problem, TopicNames.Validate(name));

    [Fact]
    public void Names_have_at_most_249_characters()
    {
        Assert.Null(TopicNames.Validate(new string('a', 249)));
        string tooLong = new('a', 250);
        Assert.Equal($"Topic name is invalid: the length of '{tooLong}' is longer than the max allowed length 249", TopicNames.Validate(tooLong));
    }

    [Theory]
    [InlineData("a.b", "a_b", true)]
    [InlineData("a._", "a__", true)]
    [InlineData("a.b", "a.b", false)]
    [InlineData("a.b", "a.c", false)]
    [InlineData("a.b", "a-b", false)]
    [InlineData("a.b", "a.bc", false)]
    public void Names_that_differ_only_in_dot_and_underscore_collide(string a, string b, bool collide) => Assert.Equal((collide, collide), (TopicNames.Collide(a, b), TopicNames.Collide(b, a)));
}
