namespace Broker.Storage.Tests;

/// <summary>A file of the simulated disk: what processes see, what the disk surely holds, and the changes in between.</summary>
internal sealed class SimulatedFile
{
    private readonly List<Change> _unsynced = [];
    private byte[] _data = [];
    private byte[] _durable = [];
    private int _durableLength;
    private bool _isShared;

    private SimulatedFile(byte[] data, int length)
    {
        _data = _durable = data;
        Length = _durableLength = length;
        _isShared = true;
    }

    public SimulatedFile()
    {
    }

    public int Length { get; private set; }

    public DateTime LastWriteUtc { get; set; }

    public ReadOnlySpan<byte> Content => _data.AsSpan(0, Length);

    public void Write(ReadOnlySpan<byte> bytes, long position)
    {
        _unsynced.Add(new Change((int)position, bytes.ToArray(), -1));
        Put(bytes, (int)position);
    }

    public void SetLength(int length)
    {
        _unsynced.Add(new Change(0, null, length));
        Resize(length);
    }

    public void Sync()
    {
        if (_unsynced.Count > 0)
        {
            _durable = _data;
            _durableLength = Length;
            _isShared = true;
            _unsynced.Clear();
        }
    }

    /// <summary>The same content as a file of another disk, all of it durable.</summary>
    public SimulatedFile Copy()
    {
        _isShared = true;
        return new SimulatedFile(_data, Length) { LastWriteUtc = LastWriteUtc };
    }

    /// <summary>What a power cut may leave: each change since the last flush whole, torn, in parts or not at all.</summary>
    public SimulatedFile AfterCrash(Random random)
    {
        SimulatedFile left = new(_durable, _durableLength) { LastWriteUtc = LastWriteUtc };
        switch (random.Next(4))
        {
            case 0:
                break;
            case 1:
                left = Copy();
                break;
            case 2:
                KeepPrefix(left, random);
                break;
            default:
                KeepSectors(left, random);
                break;
        }

        left._durable = left._data;
        left._durableLength = left.Length;
        left._isShared = true;
        return left;
    }

    private void KeepPrefix(SimulatedFile left, Random random)
    {
        int count = random.Next(_unsynced.Count + 1);
        for (int i = 0; i < count; i++)
        {
            bool isTorn = i == count - 1;
            Change change = _unsynced[i];
            left.Apply(change.Bytes is { } bytes && isTorn ? change with { Bytes = bytes[..random.Next(bytes.Length + 1)] } : change);
        }
    }

    private void KeepSectors(SimulatedFile left, Random random)
    {
        int sector = 1 << random.Next(4, 10);
        foreach (Change change in _unsynced)
        {
            if (change.Bytes is not { } bytes)
            {
                // Later writes went to blocks that belong to the file only once its new length does.
                if (random.Next(4) == 0)
                {
                    return;
                }

                left.Apply(change);
                continue;
            }

            for (int at = 0; at < bytes.Length; at += sector)
            {
                if (random.Next(3) != 0)
                {
                    left.Put(bytes.AsSpan(at, Math.Min(sector, bytes.Length - at)), change.Position + at);
                }
            }
        }
    }

    private void Apply(Change change)
    {
        if (change.Bytes is { } bytes)
        {
            Put(bytes, change.Position);
        }
        else
        {
            Resize(change.Length);
        }
    }

    private void Put(ReadOnlySpan<byte> bytes, int position)
    {
        if (position + bytes.Length > Length)
        {
            Resize(position + bytes.Length);
        }

        Own(Length);
        bytes.CopyTo(_data.AsSpan(position));
    }

    private void Resize(int length)
    {
        Own(length);
        if (length > Length)
        {
            _data.AsSpan(Length, length - Length).Clear();
        }

        Length = length;
    }

    private void Own(int capacity)
    {
        if (_isShared || _data.Length < capacity)
        {
            byte[] own = new byte[Math.Max(capacity, Math.Min(_data.Length * 2, 1 << 16))];
            _data.AsSpan(0, Math.Min(Length, own.Length)).CopyTo(own);
            _data = own;
            _isShared = false;
        }
    }

    /// <summary>A write, or (Bytes null) a new length.</summary>
    private readonly record struct Change(int Position, byte[]? Bytes, int Length);
}
