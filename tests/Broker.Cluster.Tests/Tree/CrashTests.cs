using static Broker.Cluster.Tests.Trees;

namespace Broker.Cluster.Tests;

/// <summary>What a kill, a loss of power or a rotten disk leaves of the files, byte by byte.</summary>
public sealed class CrashTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Cut_at_any_byte_the_log_opens_with_the_changes_that_are_whole()
    {
        List<(long LogBytes, string Dump)> states = await RunStoryAsync();
        byte[] log = await File.ReadAllBytesAsync(_directory.LogFile);

        for (int length = 0; length <= log.Length; length++)
        {
            await File.WriteAllBytesAsync(_directory.LogFile, log[..length]);
            await using EmbeddedTree tree = _directory.Open();
            Assert.Equal(states.Last(s => s.LogBytes <= length).Dump, await tree.DumpAsync());
            await tree.CreateAsync("/next", default);
        }
    }

    [Fact]
    public async Task Zeros_or_rubbish_after_the_last_change_are_cut_off()
    {
        List<(long LogBytes, string Dump)> states = await RunStoryAsync();
        byte[] log = await File.ReadAllBytesAsync(_directory.LogFile);

        foreach (byte[] tail in new[] { new byte[1], new byte[8], new byte[4096], [0xff, 0xff, 0xff, 0xff], [0, 0, 0, 20, 1, 2, 3, 4, 5] })
        {
            await File.WriteAllBytesAsync(_directory.LogFile, [.. log, .. tail]);
            await using (EmbeddedTree tree = _directory.Open())
            {
                Assert.Equal(states[^1].Dump, await tree.DumpAsync());
            }

            Assert.Equal(log.Length, new FileInfo(_directory.LogFile).Length);
        }
    }

    [Fact]
    public async Task A_flipped_bit_is_found_or_costs_the_last_change_only()
    {
        List<(long LogBytes, string Dump)> states = await RunStoryAsync();
        byte[] log = await File.ReadAllBytesAsync(_directory.LogFile);
        long lastStart = states[^2].LogBytes;

        for (int i = 0; i < log.Length; i++)
        {
            byte[] damaged = [.. log];
            damaged[i] ^= (byte)(1 << (i % 8));
            await File.WriteAllBytesAsync(_directory.LogFile, damaged);
            if (i < lastStart)
            {
                InvalidDataException error = Assert.Throws<InvalidDataException>(() => _directory.Open());
                long start = states.Last(s => s.LogBytes <= i).LogBytes;
                Assert.Contains(_directory.LogFile, error.Message, StringComparison.Ordinal);
                Assert.Contains($"at byte {start}:", error.Message, StringComparison.Ordinal);
                Assert.Contains($"cut it to {start} bytes", error.Message, StringComparison.Ordinal);
            }
            else
            {
                await using EmbeddedTree tree = _directory.Open();
                Assert.Equal(states[^2].Dump, await tree.DumpAsync());
            }
        }
    }

    [Fact]
    public async Task A_damaged_snapshot_is_an_error_at_any_byte_and_at_any_length()
    {
        await using (EmbeddedTree tree = _directory.Open(snapshotAfterBytes: 0))
        {
            await tree.CreateAsync("/a", Bytes("a"));
            await tree.CreateAsync("/a/b", Bytes("b"));
        }

        byte[] snapshot = await File.ReadAllBytesAsync(_directory.SnapshotFile);
        for (int i = 0; i < snapshot.Length; i++)
        {
            byte[] damaged = [.. snapshot];
            damaged[i] ^= 0x10;
            foreach (byte[] bytes in new[] { damaged, snapshot[..i] })
            {
                await File.WriteAllBytesAsync(_directory.SnapshotFile, bytes);
                InvalidDataException error = Assert.Throws<InvalidDataException>(() => _directory.Open());
                Assert.Contains(_directory.SnapshotFile, error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_log_without_its_snapshot_is_an_error()
    {
        await using (EmbeddedTree tree = _directory.Open())
        {
            await tree.CreateAsync("/a", default);
        }

        await using (EmbeddedTree tree = _directory.Open(snapshotAfterBytes: 150))
        {
            await tree.SetAsync("/a", new byte[200]);
            await tree.SetAsync("/a", default);
            Assert.True(tree.LogBytes > 0);
        }

        File.Delete(_directory.SnapshotFile);
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => _directory.Open());
        Assert.Contains("change 3 follows change 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_of_a_newer_format_are_not_touched()
    {
        await using (EmbeddedTree tree = _directory.Open())
        {
            await tree.CreateAsync("/a", default);
        }

        byte[] log = await File.ReadAllBytesAsync(_directory.LogFile);
        log[TreeCodec.FrameBytes] = 2;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(log.AsSpan(4), Broker.Protocol.Records.Crc32C.Compute(log.AsSpan(TreeCodec.FrameBytes)));
        await File.WriteAllBytesAsync(_directory.LogFile, log);

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => _directory.Open());
        Assert.Contains("format is 2", error.Message, StringComparison.Ordinal);
        Assert.Equal(log, await File.ReadAllBytesAsync(_directory.LogFile));
    }

    /// <summary>One change after the other; the log's length and the tree after each.</summary>
    private async Task<List<(long LogBytes, string Dump)>> RunStoryAsync()
    {
        EmbeddedTree tree = _directory.Open();
        var states = new List<(long, string)> { (0, await tree.DumpAsync()) };
        foreach (TreeOperation[] change in (TreeOperation[][])
        [
            [TreeOperation.Create("/a", Bytes("a"))],
            [TreeOperation.Create("/a/b", Bytes("b")), TreeOperation.Create("/a/c", Bytes("c")), TreeOperation.Set("/a", Bytes("aa"))],
            [TreeOperation.Delete("/a/b"), TreeOperation.Create("/d", default), TreeOperation.Create("/d/s", default, CreateMode.PersistentSequential)],
            [TreeOperation.Set("/a/c", Bytes("cc")), TreeOperation.Set("/a/c", Bytes("ccc")), TreeOperation.Delete("/d/s0000000000")],
        ])
        {
            await tree.MultiAsync(change);
            states.Add((tree.LogBytes, await tree.DumpAsync()));
        }

        await tree.DisposeAsync();
        return states;
    }
}
