using System.Globalization;
using Xunit.Abstractions;
using static Broker.Cluster.Tests.Trees;

namespace Broker.Cluster.Tests;

/// <summary>A flipped bit, a cut or a lost file of a tree with snapshot and log: refused by name, or the tree as it was after one of its changes; never another one.</summary>
public sealed class DamageTests(ITestOutputHelper output)
{
    private const int Changes = 24;

    [Fact]
    public async Task A_damaged_tree_is_refused_by_name_or_is_one_that_there_was()
    {
        int seed = Setting("BROKER_TREE_DAMAGE_SEED", 1);
        int points = Setting("BROKER_TREE_DAMAGE_POINTS", 1_500);
        output.WriteLine($"BROKER_TREE_DAMAGE_SEED={seed} BROKER_TREE_DAMAGE_POINTS={points}");
        var random = new Random(seed);
        using var directory = new TemporaryDirectory();
        List<string> states = await LiveAsync(directory, random);
        byte[] log = await File.ReadAllBytesAsync(directory.LogFile);
        byte[] snapshot = await File.ReadAllBytesAsync(directory.SnapshotFile);
        Assert.NotEmpty(log);
        int refused = 0;
        for (int point = 0; point < points; point++)
        {
            await File.WriteAllBytesAsync(directory.LogFile, log);
            await File.WriteAllBytesAsync(directory.SnapshotFile, snapshot);
            string damage = Damage(directory, random);
            try
            {
                refused += await OpensAsItWasAsync(directory, states) ? 0 : 1;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}, point {point}: {damage}: {e.Message}", e);
            }
        }

        output.WriteLine($"{refused} of {points} refused");
        Assert.InRange(refused, 1, points - 1);
    }

    private static int Setting(string variable, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : usual;

    private static string Damage(TemporaryDirectory directory, Random random)
    {
        string path = random.Next(2) == 0 ? directory.LogFile : directory.SnapshotFile;
        byte[] bytes = File.ReadAllBytes(path);
        int at = random.Next(bytes.Length);
        switch (random.Next(10))
        {
            case 0:
                File.Delete(path);
                return $"removed {path}";
            case < 4:
                File.WriteAllBytes(path, bytes[..at]);
                return $"cut {path} to {at} bytes";
            default:
                int bit = random.Next(8);
                bytes[at] ^= (byte)(1 << bit);
                File.WriteAllBytes(path, bytes);
                return $"flipped bit {bit} of byte {at} of {path}";
        }
    }

    private static async Task<bool> OpensAsItWasAsync(TemporaryDirectory directory, List<string> states)
    {
        try
        {
            string dump;
            await using (EmbeddedTree tree = directory.Open())
            {
                dump = await tree.DumpAsync();
                Assert.Contains(dump, states);
                await tree.CreateAsync("/next", Bytes("n"));
            }

            await using EmbeddedTree again = directory.Open();
            await again.DeleteAsync("/next");
            Assert.Equal(dump.Split('\n').Length, (await again.DumpAsync()).Split('\n').Length);
            return true;
        }
        catch (InvalidDataException e)
        {
            Assert.Contains(directory.Path, e.Message, StringComparison.Ordinal);
            return false;
        }
    }

    /// <summary>The tree after each change; the snapshot lies somewhere in between.</summary>
    private static async Task<List<string>> LiveAsync(TemporaryDirectory directory, Random random)
    {
        List<string> states = [];
        await using EmbeddedTree tree = directory.Open(snapshotAfterBytes: 900);
        List<string> paths = [];
        for (int i = 0; i < Changes || tree.LogBytes == 0; i++)
        {
            if (paths.Count > 3 && random.Next(3) == 0)
            {
                await tree.SetAsync(paths[random.Next(paths.Count)], Bytes(new string('x', random.Next(80))));
            }
            else
            {
                paths.Add(await tree.CreateAsync($"/n{i}", Bytes($"{i}")));
            }

            states.Add(await tree.DumpAsync());
        }

        return states;
    }
}
