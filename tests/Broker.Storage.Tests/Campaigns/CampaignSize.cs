using System.Globalization;

namespace Broker.Storage.Tests;

/// <summary>Sizes and seeds of campaigns: small enough for every run, as large as wanted by environment variables.</summary>
internal static class CampaignSize
{
    public static int Of(string variable, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : usual;
}
