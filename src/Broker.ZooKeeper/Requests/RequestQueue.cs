using System.Buffers;
using System.Threading.Channels;

namespace Broker.ZooKeeper;

/// <summary>
/// The requests of a session in the order they were asked: those waiting, and those sent and not yet answered. The second are bounded, and answers must
/// come in their order. Thread-safe; callers' tasks are completed outside the lock.
/// </summary>
internal sealed class RequestQueue(int maxInFlight, TimeProvider time)
{
    /// <summary>Small requests go out together up to this size.</summary>
    private const int BatchBytes = 64 * 1024;

    private readonly Lock _lock = new();
    private readonly LinkedList<PendingRequest> _waiting = [];
    private readonly Queue<PendingRequest> _inFlight = new();
    private readonly Channel<bool> _work = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private Func<bool, Exception>? _end;
    private int _lastXid;

    /// <summary>Wakes up when there may be something to send.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken stop) => _work.Reader.ReadAsync(stop);

    public void Wake() => _work.Writer.TryWrite(true);

    public void Enqueue(PendingRequest request)
    {
        request.AskedAt = time.GetTimestamp();
        lock (_lock)
        {
            if (_end is null)
            {
                _waiting.AddLast(request);
                Wake();
                return;
            }
        }

        request.ReleaseFrame();
        request.Fail(_end(false));
    }

    /// <summary>Moves what may be sent now into flight, and its bytes to the output.</summary>
    public void TakeForSending(ArrayBufferWriter<byte> output)
    {
        lock (_lock)
        {
            while (_inFlight.Count < maxInFlight && _waiting.First is { } first && (output.WrittenCount == 0 || output.WrittenCount + first.Value.FrameBytes <= BatchBytes))
            {
                _waiting.RemoveFirst();
                _lastXid = (_lastXid + 1) & int.MaxValue;
                first.Value.WriteTo(output, _lastXid);
                _inFlight.Enqueue(first.Value);
            }
        }
    }

    /// <summary>The request that an answer belongs to.</summary>
    /// <exception cref="ZooKeeperProtocolException">It is not the one that was sent first.</exception>
    public PendingRequest TakeAnswered(int xid)
    {
        lock (_lock)
        {
            if (!_inFlight.TryPeek(out PendingRequest? request))
            {
                throw new ZooKeeperProtocolException($"The server answered request {xid}, but none is unanswered");
            }

            if (request.Xid != xid)
            {
                throw new ZooKeeperProtocolException($"The server answered request {xid} before request {request.Xid}, which was sent first");
            }

            _inFlight.Dequeue();
            request.ReleaseFrame();
            if (_waiting.Count > 0)
            {
                Wake();
            }

            return request;
        }
    }

    /// <summary>
    /// The connection is gone. What changes something and was sent fails, because nobody knows whether it happened; the rest is sent again, in its order.
    /// </summary>
    /// <param name="failure">Makes the exception; true when the outcome is unknown.</param>
    /// <param name="failAll">Repeatable requests fail too: one of them may be what ended the connection.</param>
    public void ConnectionLost(Func<bool, Exception> failure, bool failAll)
    {
        var failed = new List<PendingRequest>();
        lock (_lock)
        {
            var again = new List<PendingRequest>();
            while (_inFlight.TryDequeue(out PendingRequest? request))
            {
                (request.IsRepeatable && !failAll ? again : failed).Add(request);
            }

            for (int i = again.Count - 1; i >= 0; i--)
            {
                _waiting.AddFirst(again[i]);
            }

            failed.ForEach(request => request.ReleaseFrame());
        }

        failed.ForEach(request => request.Fail(failure(!request.IsRepeatable)));
    }

    /// <summary>Fails those that have waited too long for a connection. None of them is at a server.</summary>
    public void FailWaitingSince(TimeSpan age, Func<bool, Exception> failure)
    {
        var failed = new List<PendingRequest>();
        lock (_lock)
        {
            for (LinkedListNode<PendingRequest>? node = _waiting.First, next; node is not null; node = next)
            {
                next = node.Next;
                if (time.GetElapsedTime(node.Value.AskedAt) >= age)
                {
                    _waiting.Remove(node);
                    node.Value.ReleaseFrame();
                    failed.Add(node.Value);
                }
            }
        }

        failed.ForEach(request => request.Fail(failure(false)));
    }

    /// <summary>Refuses what is asked from now on and what waits; <paramref name="last"/> goes out behind what is in flight.</summary>
    public void BeginClose(Func<bool, Exception> failure, PendingRequest last)
    {
        List<PendingRequest> failed;
        lock (_lock)
        {
            if (_end is not null)
            {
                last.ReleaseFrame();
                last.Fail(_end(false));
                return;
            }

            _end = failure;
            failed = [.. _waiting];
            failed.ForEach(request => request.ReleaseFrame());
            _waiting.Clear();
            _waiting.AddLast(last);
            Wake();
        }

        failed.ForEach(request => request.Fail(failure(false)));
    }

    /// <summary>The session is over: everything fails, also what is asked later.</summary>
    public void End(Func<bool, Exception> failure)
    {
        List<(PendingRequest Request, bool Sent)> failed;
        lock (_lock)
        {
            _end ??= failure;
            failed = [.. _inFlight.Select(request => (request, true)), .. _waiting.Select(request => (request, false))];
            _inFlight.Clear();
            _waiting.Clear();
            failed.ForEach(f => f.Request.ReleaseFrame());
        }

        failed.ForEach(f => f.Request.Fail(failure(f.Sent && !f.Request.IsRepeatable)));
    }
}
