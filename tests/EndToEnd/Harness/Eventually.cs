namespace Broker.EndToEnd;

/// <summary>Waits for what other processes do, and says what did not come.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>For conditions that cost something to ask for: a <paramref name="pauseMs"/> between the attempts.</summary>
    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? patience = null, int pauseMs = 10) => TrueAsync(condition, () => what, patience, pauseMs);

    /// <summary>The same where what did not come is best described when it did not.</summary>
    public static async Task TrueAsync(Func<bool> condition, Func<string> what, TimeSpan? patience = null, int pauseMs = 10)
    {
        DateTime end = DateTime.UtcNow + (patience ?? Patience);
        while (!condition())
        {
            if (DateTime.UtcNow >= end)
            {
                Assert.Fail($"Waited {(patience ?? Patience).TotalSeconds} s in vain: {what()}");
            }

            await Task.Delay(pauseMs);
        }
    }

    /// <summary>Does what is refused for a while, until it is not.</summary>
    public static async Task DoneAsync<TException>(Func<Task> action, Func<TException, bool> mayPass, string what, int pauseMs = 100)
        where TException : Exception
    {
        for (DateTime end = DateTime.UtcNow + Patience; ; await Task.Delay(pauseMs))
        {
            try
            {
                await action();
                return;
            }
            catch (TException e) when (mayPass(e))
            {
                Assert.True(DateTime.UtcNow < end, $"Waited {Patience.TotalSeconds} s in vain: {what}: {e.Message}");
            }
        }
    }
}
