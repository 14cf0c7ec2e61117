using System.Buffers.Binary;
using System.IO.Hashing;
using Broker.Protocol.Records;
using Microsoft.Win32.SafeHandles;

namespace Broker.Storage;

/// <summary>
/// Walks the batches of a segment file from a position that is the start of one. Reads through the caller's buffer (stack or pool) and allocates nothing:
/// small batches cost one read per buffer, batches larger than the buffer one read each. Stops at the first bytes that are no batch.
/// </summary>
internal ref struct BatchScanner
{
    private readonly LogFiles _files;
    private readonly SafeFileHandle _file;
    private readonly long _end;
    private readonly Span<byte> _buffer;
    private long _next;
    private long _bufferedFrom;
    private int _buffered;

    public BatchScanner(LogFiles files, SafeFileHandle file, long position, long end, Span<byte> buffer)
    {
        _files = files;
        _file = file;
        _next = position;
        _end = end;
        _buffer = buffer;
        Position = position;
    }

    public BatchInfo Current { get; private set; }

    /// <summary>Where <see cref="Current"/> starts.</summary>
    public long Position { get; private set; }

    /// <summary>Where the good batches seen so far end.</summary>
    public readonly long NextPosition => _next;

    public bool MoveNext()
    {
        if (!TryPeek(BatchInfo.HeaderSize, out ReadOnlySpan<byte> head)
            || !BatchInfo.TryParse(head, out BatchInfo batch)
            || batch.Size > _end - _next)
        {
            return false;
        }

        Current = batch;
        Position = _next;
        _next += batch.Size;
        return true;
    }

    /// <summary>The bytes of the current batch when they fit the buffer; empty otherwise.</summary>
    public ReadOnlySpan<byte> CurrentBytes()
    {
        if (Current.Size > _buffer.Length)
        {
            return default;
        }

        Fill(Position, Current.Size);
        return _buffer.Slice((int)(Position - _bufferedFrom), Current.Size);
    }

    public bool CurrentIsIntact()
    {
        ReadOnlySpan<byte> whole = CurrentBytes();
        return whole.IsEmpty ? LargeIsIntact() : RecordBatchScanner.HasValidCrc(whole);
    }

    /// <summary>The same in pieces, for a batch larger than the buffer.</summary>
    private bool LargeIsIntact()
    {
        int crcAt = Current.Magic >= 2 ? 17 : 12;
        int crcFrom = crcAt + 4;
        Fill(Position, _buffer.Length);
        uint expected = BinaryPrimitives.ReadUInt32BigEndian(_buffer[crcAt..]);
        Crc32? legacy = Current.Magic >= 2 ? null : new Crc32();
        uint crc = 0;
        int skip = crcFrom;
        for (long at = Position; at < _next;)
        {
            int length = (int)Math.Min(_buffer.Length, _next - at);
            Fill(at, length);
            ReadOnlySpan<byte> part = _buffer.Slice((int)(at - _bufferedFrom), length)[skip..];
            skip = 0;
            at += length;
            if (legacy is null)
            {
                crc = Crc32C.Append(crc, part);
            }
            else
            {
                legacy.Append(part);
            }
        }

        return expected == (legacy?.GetCurrentHashAsUInt32() ?? crc);
    }

    private bool TryPeek(int wanted, out ReadOnlySpan<byte> bytes)
    {
        int available = (int)Math.Min(wanted, _end - _next);
        if (available < BatchInfo.CommonPrefix)
        {
            bytes = default;
            return false;
        }

        Fill(_next, available);
        int offset = (int)(_next - _bufferedFrom);
        bytes = _buffer.Slice(offset, Math.Min(available, _buffered - offset));
        return true;
    }

    /// <summary>Makes the range available in the buffer; reads as much as the buffer takes when it has to read.</summary>
    private void Fill(long position, int length)
    {
        if (position >= _bufferedFrom && position + length <= _bufferedFrom + _buffered)
        {
            return;
        }

        int count = (int)Math.Min(_buffer.Length, _end - position);
        _bufferedFrom = position;
        _buffered = _files.Read(_file, _buffer[..count], position);
        if (_buffered < length)
        {
            // The file is shorter than the log believes: only damage from outside does that.
            throw new IOException($"Segment file ends at {position + _buffered}, expected {length} bytes at {position}.");
        }
    }
}
