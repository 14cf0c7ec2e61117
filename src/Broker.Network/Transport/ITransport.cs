using System.IO.Pipelines;
using Broker.Protocol;

namespace Broker.Network;

/// <summary>
/// A byte stream to one client: a duplex pipe and what frames need beyond it. The reader keeps what it returns in one contiguous, writable piece of pooled memory.
/// Each end of the pipe has one user at a time; <see cref="StopReceiving"/> and <see cref="Abort"/> may be called from any thread.
/// </summary>
internal interface ITransport : IDuplexPipe
{
    /// <summary>Bytes taken from the peer since the connection began.</summary>
    long BytesReceived { get; }

    /// <summary>Bytes that the peer's side of the system has accepted.</summary>
    long BytesSent { get; }

    /// <summary>Adds a reference to the buffer behind the last read result, so that its bytes outlive <see cref="PipeReader.AdvanceTo(SequencePosition)"/>; the caller releases it.</summary>
    PooledBuffer ShareInput();

    /// <summary>
    /// Sends what the writer has buffered and then a range of a file, whose handle the caller keeps open. A range that the file does not have throws <see cref="FileRangeException"/>:
    /// the frame's length is already on the wire, so the connection cannot go on.
    /// </summary>
    ValueTask SendFileAsync(FileSlice slice);

    /// <summary>Ends the stream of requests as if the peer had ended it; sending goes on.</summary>
    void StopReceiving();

    /// <summary>Breaks the connection at once; reads and writes under way fail.</summary>
    void Abort();

    /// <summary>Ends the connection in order: what was sent is still delivered. Both ends of the pipe are out of use by then.</summary>
    void Close();
}
