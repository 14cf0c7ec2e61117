namespace Broker.Configuration.Tests;

public sealed class ConfigDocsTests
{
    [Fact]
    public void TheFileIsWhatTheTablePrints()
    {
        var file = Path.Combine(Root(), "docs", "configuration.md");

        Assert.True(File.ReadAllText(file) == ConfigDocs.Print(), "docs/configuration.md is old: broker --print-config-docs > docs/configuration.md");
    }

    [Fact]
    public void TheShippedFileIsTheEmbeddedDefaults()
    {
        var file = BrokerConfig.Parse([PropertiesFile.Load(Path.Combine(Root(), "config", "server.properties"))]);
        var embedded = EmbeddedDefaults.Entries(isAddressed: false).Append(EmbeddedDefaults.BrokerId);

        Assert.Empty(file.Notices);
        Assert.All(
            embedded.Where(entry => entry.Key != "log.dirs"),
            entry => Assert.Equal(entry.Value, file.Config!.Describe().Single(description => description.Name == entry.Key).Value));
        Assert.Equal(["./data"], file.Config!.LogDirs);
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Broker.sln")))
        {
            directory = directory.Parent;
        }

        return directory.FullName;
    }
}
