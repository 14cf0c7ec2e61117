using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Broker.Protocol;

namespace Broker.Network;

/// <summary>
/// Puts response frames on a transport: small ones are collected until the flush, large ones and file ranges go out from where they are. One user at a time.
/// </summary>
internal sealed class FrameWriter
{
    // Copying this much costs less than a send of its own.
    private const int MaxCopiedBytes = 4096;

    // As many small answers as one send takes; a flush in between bounds what a burst of requests can pile up.
    private const int MaxCollectedBytes = 64 * 1024;

    private readonly ITransport _transport;
    private readonly PipeWriter _output;

    public FrameWriter(ITransport transport)
    {
        _transport = transport;
        _output = transport.Output;
    }

    public bool HasUnflushed => _output.UnflushedBytes > 0;

    /// <summary>Writes the frame and disposes it when its bytes are copied or sent.</summary>
    public ValueTask WriteAsync(OutboundFrame frame)
    {
        if (frame.Attachments.IsEmpty && frame.Memory.Length <= MaxCopiedBytes)
        {
            ReadOnlySpan<byte> bytes = frame.Memory.Span;
            bytes.CopyTo(_output.GetSpan(bytes.Length));
            _output.Advance(bytes.Length);
            frame.Dispose();
            return _output.UnflushedBytes < MaxCollectedBytes ? default : FlushAsync();
        }

        return WriteLargeAsync(frame);
    }

    public ValueTask FlushAsync()
    {
        ValueTask<FlushResult> flush = _output.FlushAsync();
        return flush.IsCompletedSuccessfully ? default : Discard(flush);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask Discard(ValueTask<FlushResult> flush) => await flush.ConfigureAwait(false);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteLargeAsync(OutboundFrame frame)
    {
        try
        {
            int written = 0;
            for (int i = 0; i < frame.Attachments.Length; i++)
            {
                FileAttachment attachment = frame.Attachments[i];
                await WriteBytesAsync(frame.Memory[written..attachment.BufferPosition]).ConfigureAwait(false);
                written = attachment.BufferPosition;
                await _transport.SendFileAsync(attachment.Slice).ConfigureAwait(false);
            }

            await WriteBytesAsync(frame.Memory[written..]).ConfigureAwait(false);
        }
        finally
        {
            frame.Dispose();
        }
    }

    private ValueTask WriteBytesAsync(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > MaxCopiedBytes)
        {
            ValueTask<FlushResult> write = _output.WriteAsync(bytes);
            return write.IsCompletedSuccessfully ? default : Discard(write);
        }

        bytes.Span.CopyTo(_output.GetSpan(bytes.Length));
        _output.Advance(bytes.Length);
        return default;
    }
}
