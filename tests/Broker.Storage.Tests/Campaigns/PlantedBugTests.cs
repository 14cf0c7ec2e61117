using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Broker.Storage.Tests;

/// <summary>A checker that cannot fail proves nothing: each of these mistakes, made between the log and its disk, is noticed by the crash campaign.</summary>
public class PlantedBugTests
{
    private const int CrashPoints = 10_000;

    [Fact]
    public void A_skipped_flush_is_noticed() => IsNoticed(static () => new SkippedFlush());

    [Fact]
    public void A_skipped_flush_of_a_directory_is_noticed() => IsNoticed(static () => new SkippedDirectoryFlush());

    [Fact]
    public void An_acknowledgement_before_the_flush_is_noticed() => IsNoticed(static () => new LateFlush());

    [Fact]
    public void A_wrong_truncation_point_is_noticed() => IsNoticed(static () => new WrongCut());

    [Fact]
    public void An_index_position_off_by_one_is_noticed() => IsNoticed(static () => new IndexOffByOne());

    [Fact]
    public void A_lost_producer_snapshot_is_noticed() => IsNoticed(static () => new LostSnapshot());

    [Fact]
    public void A_copy_that_takes_over_before_it_has_caught_up_is_noticed() => IsNoticed(static () => new SimulatedDisk { Omits = Omission.CopiedToTheEnd }, CrashCampaign.Moving);

    private static void IsNoticed(Func<SimulatedDisk> newDisk) => IsNoticed(newDisk, CrashCampaign.Usual);

    private static void IsNoticed(Func<SimulatedDisk> newDisk, Func<int, SimulatedDisk, ICrashLife> newLife) =>
        Assert.Contains("Crash campaign, seed", Assert.Throws<InvalidOperationException>(() => new CrashCampaign(newLife, newDisk).Run(1, CrashPoints)).Message);

    private sealed class SkippedFlush : SimulatedDisk
    {
        public override void Flush(SafeFileHandle file)
        {
            if (!PathOf(file).EndsWith(LogFileNames.Log, StringComparison.Ordinal))
            {
                base.Flush(file);
            }
        }
    }

    private sealed class SkippedDirectoryFlush : SimulatedDisk
    {
        public override void FlushDirectory(string path)
        {
        }
    }

    /// <summary>Each flush takes effect when the next one is asked for.</summary>
    private sealed class LateFlush : SimulatedDisk
    {
        private SafeFileHandle? _late;

        public override void Flush(SafeFileHandle file)
        {
            if (!PathOf(file).EndsWith(LogFileNames.Log, StringComparison.Ordinal))
            {
                base.Flush(file);
                return;
            }

            if (_late is { IsClosed: false } late)
            {
                base.Flush(late);
            }

            _late = file;
        }
    }

    private sealed class WrongCut : SimulatedDisk
    {
        public override void SetLength(SafeFileHandle file, long length) =>
            base.SetLength(file, length > 0 && PathOf(file).EndsWith(LogFileNames.Log, StringComparison.Ordinal) ? length - 1 : length);
    }

    /// <summary>The log finds it by itself and builds the index again, unless it does not look.</summary>
    private sealed class IndexOffByOne : SimulatedDisk
    {
        public IndexOffByOne() => Omits = Omission.IndexEntries;

        public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long position)
        {
            byte[] written = bytes.ToArray();
            for (int at = 0; at < written.Length && PathOf(file).EndsWith(LogFileNames.OffsetIndex, StringComparison.Ordinal); at += OffsetIndex.EntrySize)
            {
                Span<byte> entryPosition = written.AsSpan(at + 4);
                BinaryPrimitives.WriteInt32BigEndian(entryPosition, BinaryPrimitives.ReadInt32BigEndian(entryPosition) + 1);
            }

            base.Write(file, written, position);
        }
    }

    private sealed class LostSnapshot : SimulatedDisk
    {
        public override void Move(string from, string to)
        {
            if (to.EndsWith(LogFileNames.Snapshot, StringComparison.Ordinal))
            {
                Delete(from);
            }
            else
            {
                base.Move(from, to);
            }
        }
    }
}
