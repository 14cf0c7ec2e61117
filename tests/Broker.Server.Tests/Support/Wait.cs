namespace Broker.Server.Tests;

internal static class Wait
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Asks until the answer is as wanted.</summary>
    public static async Task<T> UntilAsync<T>(Func<Task<T>> ask, Func<T, bool> isDone)
    {
        using var cancellation = new CancellationTokenSource(Patience);
        while (true)
        {
            T answer = await ask();
            if (isDone(answer))
            {
                return answer;
            }

            await Task.Delay(5, cancellation.Token);
        }
    }
}
