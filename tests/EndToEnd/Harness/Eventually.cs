namespace Broker.EndToEnd;

/// <summary>Waits for what other processes do, and says what did not come.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>For conditions that cost something to ask for: a <paramref name="pauseMs"/> between the attempts.</summary>
    public static async Task TrueAsync(Func<bool> condition, string what, TimeSpan? patience = null, int pauseMs = 10)
    {
        DateTime end = DateTime.UtcNow + (patience ?? Patience);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < end, $"Waited {(patience ?? Patience).TotalSeconds} s in vain: {what}");
            await Task.Delay(pauseMs);
        }
    }
}
