using System.Globalization;
using System.Text;
using Broker.Protocol;

namespace Broker.Server;

/// <summary>Prints docs/protocol-support.md from the handler table and the schemas.</summary>
public static class ProtocolDocs
{
    public static string Print()
    {
        var text = new StringBuilder();
        text.Append("# Protocol support\n\nPrinted by `broker --print-protocol-docs` from the table that also answers ApiVersions. An API that is not listed is not served.\n\n");
        text.Append("| key | API | served | schema | flexible from |\n|---|---|---|---|---|\n");
        foreach (ApiTable.Row row in ApiTable.Rows)
        {
            ApiDescription schema = ApiCatalog.Get(row.Supports.Key);
            string flexible = schema.FirstFlexibleVersion == short.MaxValue ? "never" : schema.FirstFlexibleVersion.ToString(CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"| {(short)schema.Key} | {schema.Key} | {Range(row.Supports.MinVersion, row.Supports.MaxVersion)} | {Range(schema.MinVersion, schema.MaxVersion)} | {flexible} |\n");
        }

        return text.ToString();
    }

    private static string Range(short min, short max) => min == max ? $"{min}" : $"{min}-{max}";
}
