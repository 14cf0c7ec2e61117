using System.Collections.Concurrent;

namespace Broker.EndToEnd;

/// <summary>
/// Clients at work without a stop, until they are told to end or one of them meets an error that it does not get over by itself. Nothing here waits without a bound: a client that does
/// not come back is named by <see cref="EndAsync"/> and left behind by disposal, so that no broker that is gone keeps a test from ending.
/// </summary>
internal sealed class Workers : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>Longer than a client goes on by itself once it was told to stop: it gives a record 90 s, and what it still has to read 60 s.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromMinutes(4);

    private static readonly TimeSpan DisposalPatience = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly List<(string Name, Task Task)> _work = [];

    /// <summary>Nothing new is begun.</summary>
    public bool IsStopping => _stop.IsCancellationRequested;

    /// <summary>Nobody asks for the results any more: whoever still waits for something leaves.</summary>
    public bool IsAbandoned { get; private set; }

    public void Start(string name, Action work) => _work.Add((name, Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));

    public void Start(string name, Func<Task> work) => _work.Add((name, Task.Run(work)));

    /// <summary>Ends all with what went wrong for one.</summary>
    public void Fail(string error)
    {
        _errors.Enqueue(error);
        _stop.Cancel();
    }

    /// <summary>Waits until they have got somewhere; fails with the errors of clients, or with what did not come.</summary>
    public async Task ProgressAsync(Func<bool> isThere, Func<string> what, Func<string> logs)
    {
        for (DateTime end = DateTime.UtcNow + Patience; !isThere(); await Task.Delay(10))
        {
            ThrowErrors(logs);
            Assert.True(DateTime.UtcNow < end, $"waited {Patience.TotalSeconds} s in vain: {what()}\n{logs()}");
        }

        ThrowErrors(logs);
    }

    /// <summary>Tells them to end, and waits for it.</summary>
    public async Task EndAsync(Func<string> logs)
    {
        await _stop.CancelAsync();
        await Task.WhenAny(All(), Task.Delay(EndPatience));
        ThrowErrors(logs);
        string[] left = [.. _work.Where(w => !w.Task.IsCompleted).Select(w => w.Name)];
        Assert.True(left.Length == 0, $"did not end in {EndPatience.TotalMinutes} minutes: {string.Join(", ", left)}\n{logs()}");
        await All();
    }

    public async ValueTask DisposeAsync()
    {
        IsAbandoned = true;
        await _stop.CancelAsync();
        await Task.WhenAny(All(), Task.Delay(DisposalPatience));
    }

    private Task All() => Task.WhenAll(_work.Select(w => w.Task));

    private void ThrowErrors(Func<string> logs)
    {
        string[] errors = [.. _errors, .. _work.Where(w => w.Task.IsFaulted).Select(w => $"{w.Name}: {w.Task.Exception!.InnerException}")];
        Assert.True(errors.Length == 0, $"{string.Join("\n", errors)}\n{logs()}");
    }
}
