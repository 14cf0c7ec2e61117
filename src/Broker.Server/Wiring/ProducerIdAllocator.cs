using Broker.Cluster;

namespace Broker.Server;

/// <summary>
/// Hands out producer ids from blocks that the controller records durably, so that no id is ever given twice, whatever crashes. Thread-safe.
/// </summary>
internal sealed class ProducerIdAllocator(ClusterController controller)
{
    private readonly SemaphoreSlim _lock = new(1, 1);
    private long _next;
    private long _end = -1;

    public async ValueTask<long> NextAsync()
    {
        await _lock.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_next > _end)
            {
                ProducerIdBlock block = await controller.AllocateProducerIdBlockAsync().ConfigureAwait(false);
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
