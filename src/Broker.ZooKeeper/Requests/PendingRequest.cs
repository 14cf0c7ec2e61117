using System.Buffers;
using System.Buffers.Binary;

namespace Broker.ZooKeeper;

/// <summary>
/// A request on its way: waiting, sent, answered or failed. Owned by <see cref="RequestQueue"/>, which changes it under its lock; the frame goes back to
/// the pool when the request ends.
/// </summary>
internal abstract class PendingRequest(OpCode op, string path, bool isRepeatable, ArraySegment<byte> frame)
{
    private ArraySegment<byte> _frame = frame;

    public OpCode Op { get; } = op;

    /// <summary>As the caller named it, without the chroot.</summary>
    public string Path { get; } = path;

    /// <summary>Changes nothing that a second time would change again, so it may be sent again after a lost connection.</summary>
    public bool IsRepeatable { get; } = isRepeatable;

    public int Xid { get; private set; }

    /// <summary>When it was asked, on the clock of <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long AskedAt { get; set; }

    public int FrameBytes => _frame.Count;

    /// <summary>Runs on the session's loop with an answer, before any later event and before the caller goes on.</summary>
    public Action<ZooKeeperError>? Answered { get; init; }

    public void WriteTo(ArrayBufferWriter<byte> output, int xid)
    {
        Xid = xid;
        BinaryPrimitives.WriteInt32BigEndian(_frame.AsSpan(sizeof(int)), xid);
        output.Write(_frame);
    }

    public void ReleaseFrame()
    {
        if (_frame.Array is { } array)
        {
            _frame = default;
            ArrayPool<byte>.Shared.Return(array);
        }
    }

    /// <exception cref="ZooKeeperProtocolException">The body is not what answers this request; the request has failed with the same.</exception>
    public abstract void Complete(ZooKeeperError error, ref JuteReader body);

    public abstract void Fail(Exception failure);
}
