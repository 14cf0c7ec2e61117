namespace Broker.EndToEnd;

/// <summary>Waits for what other processes do, and says what did not come.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task TrueAsync(Func<bool> condition, string what)
    {
        DateTime end = DateTime.UtcNow + Patience;
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < end, $"Waited {Patience.TotalSeconds} s in vain: {what}");
            await Task.Delay(10);
        }
    }
}
