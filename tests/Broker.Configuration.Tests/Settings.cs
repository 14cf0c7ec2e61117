namespace Broker.Configuration.Tests;

/// <summary>Short ways to write configurations down.</summary>
internal static class Settings
{
    public static ConfigParseResult Parse(params (string Key, string Value)[] settings) => BrokerConfig.Parse([Entries(settings)]);

    public static BrokerConfig Valid(params (string Key, string Value)[] settings)
    {
        var result = Parse(settings);
        Assert.Empty(result.Errors.Select(error => error.Reason));
        return result.Config!;
    }

    public static ConfigError SingleError(params (string Key, string Value)[] settings) => Assert.Single(Parse(settings).Errors);

    public static IEnumerable<ConfigEntry> Entries(params (string Key, string Value)[] settings) =>
        settings.Select(setting => new ConfigEntry(setting.Key, setting.Value, "test"));

    public static Dictionary<string, string> Map(params (string Key, string Value)[] settings) =>
        settings.ToDictionary(setting => setting.Key, setting => setting.Value);
}
