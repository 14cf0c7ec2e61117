namespace Broker.Server;

/// <summary>
/// Hands out producer ids from blocks that the controller records durably, so that no id is ever given twice, whatever crashes. Thread-safe.
/// </summary>
internal sealed class ProducerIdAllocator(ControllerLink controller)
{
    private readonly SemaphoreSlim _lock = new(1, 1);
    private long _next;
    private long _end = -1;

    /// <summary>-1 when the controller cannot be reached: the client tries again.</summary>
    public async ValueTask<long> NextAsync()
    {
        await _lock.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_next > _end)
            {
                if (await controller.AllocateProducerIdsAsync().ConfigureAwait(false) is not { } block)
                {
                    return -1;
                }

                _next = block.Start;
                _end = block.End;
            }

            return _next++;
        }
        finally
        {
            _lock.Release();
        }
    }
}
