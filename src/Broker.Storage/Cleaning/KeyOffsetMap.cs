using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Broker.Storage;

/// <summary>
/// The last offset of each key, keys as 128-bit hashes: 24 bytes an entry whatever the key. Open addressing in memory outside the managed heap, taken for one
/// pass and given back at its end. A cryptographic hash, because two keys with one hash would make one of them disappear. Not thread-safe.
/// </summary>
internal sealed unsafe class KeyOffsetMap : IDisposable
{
    public const int EntryBytes = 24;

    private readonly int _slots;
    private readonly int _limit;
    private Entry* _entries;

    /// <param name="maxBytes">The most memory it may take.</param>
    /// <param name="loadFactor">Share of it that may be filled.</param>
    /// <param name="maxKeys">How many keys there can be at most; a small log gets a small map.</param>
    public KeyOffsetMap(long maxBytes, double loadFactor, long maxKeys)
    {
        double share = Math.Clamp(loadFactor, 0.01, 0.99);
        double wanted = Math.Ceiling(Math.Max(maxKeys, 1) / share) + 1;
        _slots = (int)Math.Max(2, Math.Min(wanted, Math.Min(maxBytes, int.MaxValue) / EntryBytes));
        _limit = Math.Max(1, (int)(_slots * share));
        _entries = (Entry*)NativeMemory.AllocZeroed((nuint)_slots, EntryBytes);
    }

    public int Count { get; private set; }

    /// <summary>Share of the entries in use, in percent.</summary>
    public double Use => 100.0 * Count / _slots;

    public long MemoryBytes => (long)_slots * EntryBytes;

    /// <summary>Everything up to here (inclusive) has been put in; -1 before the first.</summary>
    public long LatestOffset { get; private set; } = -1;

    /// <summary>False when the key is new and there is no room for it.</summary>
    public bool TryPut(ReadOnlySpan<byte> key, long offset)
    {
        Entry* entry = Find(key, out UInt128 hash);
        if (entry->OffsetAndOne == 0)
        {
            if (Count >= _limit)
            {
                return false;
            }

            entry->Hash = hash;
            Count++;
        }

        entry->OffsetAndOne = offset + 1;
        LatestOffset = offset;
        return true;
    }

    /// <summary>-1 for a key that was not put in.</summary>
    public long Get(ReadOnlySpan<byte> key) => Find(key, out _)->OffsetAndOne - 1;

    public void AdvanceTo(long offset) => LatestOffset = Math.Max(LatestOffset, offset);

    public void Dispose()
    {
        NativeMemory.Free(_entries);
        _entries = null;
    }

    /// <summary>The key's entry, or the free one where it belongs. There always is one: the map never fills up.</summary>
    private Entry* Find(ReadOnlySpan<byte> key, out UInt128 hash)
    {
        ObjectDisposedException.ThrowIf(_entries is null, this);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(key, digest);
        hash = MemoryMarshal.Read<UInt128>(digest);

        // A few places given by the hash, then one after the other from the last of them.
        uint slot = 0;
        for (int probe = 0; probe < digest.Length / sizeof(uint); probe++)
        {
            slot = MemoryMarshal.Read<uint>(digest[(probe * sizeof(uint))..]) % (uint)_slots;
            if (IsPlaceOf(slot, hash))
            {
                return _entries + slot;
            }
        }

        do
        {
            slot = slot + 1 == (uint)_slots ? 0 : slot + 1;
        }
        while (!IsPlaceOf(slot, hash));
        return _entries + slot;
    }

    private bool IsPlaceOf(uint slot, UInt128 hash) => _entries[slot].OffsetAndOne == 0 || _entries[slot].Hash == hash;

    [StructLayout(LayoutKind.Sequential, Pack = 8)]
    private struct Entry
    {
        private ulong _low;
        private ulong _high;

        public long OffsetAndOne;

        public UInt128 Hash
        {
            readonly get => new(_high, _low);
            set => (_low, _high) = ((ulong)value, (ulong)(value >> 64));
        }
    }
}
