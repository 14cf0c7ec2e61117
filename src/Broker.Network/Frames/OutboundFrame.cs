using Broker.Protocol;

namespace Broker.Network;

/// <summary>
/// A response on its way out: pooled memory that starts with the 4-byte length, plus file ranges that are woven into it.
/// Whoever holds it disposes it; passing it to <see cref="FrameAnswer.Respond"/> passes that duty on. Not to be touched after disposal: the object is reused.
/// </summary>
public sealed class OutboundFrame : IDisposable
{
    private readonly PooledBuffer _buffer;
    private FileAttachment[] _attachments = [];
    private int _attachmentCount;
    private int _length;

    internal OutboundFrame(PooledBuffer buffer)
    {
        _buffer = buffer;
    }

    /// <summary>The bytes that go out of memory, including the 4-byte length prefix, which the caller fills (it counts the file ranges too).</summary>
    public Memory<byte> Memory => _buffer.Memory[.._length];

    internal ReadOnlySpan<FileAttachment> Attachments => _attachments.AsSpan(0, _attachmentCount);

    /// <summary>Rents a frame with exactly <paramref name="bytes"/> bytes of uninitialised memory.</summary>
    public static OutboundFrame Rent(int bytes)
    {
        OutboundFrame frame = BufferPool.Rent(bytes).Frame;
        frame._length = bytes;
        return frame;
    }

    /// <summary>
    /// Weaves file ranges into the frame, in ascending <see cref="FileAttachment.BufferPosition"/>. The list is copied; each file handle is held open until the frame is sent or disposed.
    /// </summary>
    public void Attach(IReadOnlyList<FileAttachment> attachments)
    {
        int needed = _attachmentCount + attachments.Count;
        if (needed > _attachments.Length)
        {
            Array.Resize(ref _attachments, Math.Max(needed, 4));
        }

        for (int i = 0; i < attachments.Count; i++)
        {
            FileAttachment attachment = attachments[i];
            int earliest = _attachmentCount == 0 ? 0 : _attachments[_attachmentCount - 1].BufferPosition;
            if (attachment.BufferPosition < earliest || attachment.BufferPosition > _length || attachment.Slice.Length < 0)
            {
                throw new ArgumentException(
                    $"File attachment at {attachment.BufferPosition} with {attachment.Slice.Length} bytes does not fit a frame of {_length} bytes after position {earliest}.", nameof(attachments));
            }

            bool held = false;
            attachment.Slice.File.DangerousAddRef(ref held);
            _attachments[_attachmentCount++] = attachment;
        }
    }

    public void Dispose()
    {
        for (int i = 0; i < _attachmentCount; i++)
        {
            _attachments[i].Slice.File.DangerousRelease();
            _attachments[i] = default;
        }

        _attachmentCount = 0;
        _length = 0;
        _buffer.Release();
    }
}
