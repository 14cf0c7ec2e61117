using Broker.Protocol;

namespace Broker.Server.Tests;

/// <summary>The one list of APIs and what is made from it.</summary>
public sealed class ApiTableTests
{
    [Fact]
    public void Every_served_version_has_a_schema_and_the_list_is_in_order()
    {
        Assert.Equal(ApiTable.Rows.Select(r => r.Supports.Key).Order().Distinct(), ApiTable.Rows.Select(r => r.Supports.Key));
        foreach (ApiSupport served in ApiTable.Rows.Select(r => r.Supports))
        {
            ApiDescription schema = ApiCatalog.Get(served.Key);
            Assert.True(served.MinVersion >= schema.MinVersion && served.MaxVersion <= schema.MaxVersion, $"{served} is beyond its schema");
        }
    }

    [Fact]
    public void The_printed_page_is_the_table()
    {
        DirectoryInfo root = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Broker.sln")))
        {
            root = root.Parent!;
        }

        Assert.Equal(ProtocolDocs.Print(), File.ReadAllText(Path.Combine(root.FullName, "docs", "protocol-support.md")));
    }
}
