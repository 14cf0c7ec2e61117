namespace Broker.EndToEnd;

/// <summary>Disposes a client of librdkafka with a bound: one that waits for brokers which are gone is left behind.</summary>
internal sealed class Ends(IDisposable client) : IDisposable, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public void Dispose() => EndAsync().Wait();

    public async ValueTask DisposeAsync() => await EndAsync();

    private Task EndAsync() =>
        Task.WhenAny(Task.Factory.StartNew(client.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default), Task.Delay(Patience));
}
