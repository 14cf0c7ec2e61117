using System.Text;
using static Broker.Cluster.Tests.Trees;

namespace Broker.Cluster.Tests;

/// <summary>Random operations against the simplest model there is, with snapshots, restarts and kills in between. A failure names its seed.</summary>
public sealed class RandomOperationsTests
{
    [Fact]
    public async Task The_tree_does_what_the_model_does()
    {
        foreach (int seed in new[] { 20261124, Random.Shared.Next(), Random.Shared.Next(), Random.Shared.Next() })
        {
            try
            {
                await RunAsync(new Random(seed));
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {seed} fails: put it into the list above to replay it", e);
            }
        }
    }

    private static async Task RunAsync(Random random)
    {
        using var directory = new TemporaryDirectory();
        int snapshotAfter = random.Next(200, 20_000);
        EmbeddedTree tree = directory.Open(snapshotAfterBytes: snapshotAfter);
        var model = new Model();
        for (int step = 0; step < 700; step++)
        {
            if (random.Next(40) == 0)
            {
                // A disposal writes at most this for the ephemeral nodes; a kill is only imitated when that cannot make a snapshot.
                const int DisposalBytes = 2000;
                if (random.Next(2) == 0 && tree.LogBytes < snapshotAfter - DisposalBytes)
                {
                    await directory.KillAsync(tree);
                }
                else
                {
                    await tree.DisposeAsync();
                }

                model.EndSession();
                tree = directory.Open(snapshotAfterBytes: snapshotAfter);
                Assert.Equal(model.Dump(), await tree.DumpAsync(withStat: false));
            }

            TreeOperation[] operations = [.. Enumerable.Range(0, random.Next(4) == 0 ? random.Next(2, 6) : 1).Select(_ => Operation(random))];
            (CoordinationError? Error, int Index) expected = model.Apply(operations);
            try
            {
                await tree.MultiAsync(operations);
                Assert.Null(expected.Error);
            }
            catch (CoordinationException e)
            {
                Assert.Equal(expected, (e.Error, e.OperationIndex));
            }
        }

        Assert.Equal(model.Dump(), await tree.DumpAsync(withStat: false));
        await tree.DisposeAsync();
    }

    private static TreeOperation Operation(Random random)
    {
        var path = new StringBuilder();
        for (int depth = random.Next(1, 4); depth > 0; depth--)
        {
            path.Append('/').Append("abc"[random.Next(3)]);
        }

        int version = random.Next(3) == 0 ? random.Next(3) : TreeOperation.AnyVersion;
        byte[] data = new byte[random.Next(30)];
        random.NextBytes(data);
        return random.Next(6) switch
        {
            0 or 1 => TreeOperation.Create(path.ToString(), data, (CreateMode)random.Next(4)),
            2 or 3 => TreeOperation.Set(path.ToString(), data, version),
            4 => TreeOperation.Delete(path.ToString(), version),
            _ => TreeOperation.Check(path.ToString(), version),
        };
    }

    /// <summary>Copies everything for every multi and scans for everything it asks.</summary>
    private sealed class Model
    {
        private SortedDictionary<string, Node> _nodes = new(StringComparer.Ordinal) { ["/"] = new([], 0, false, 0) };

        public void EndSession()
        {
            foreach (string path in _nodes.Where(n => n.Value.Ephemeral).Select(n => n.Key).ToArray())
            {
                _nodes.Remove(path);
            }
        }

        public (CoordinationError?, int) Apply(TreeOperation[] operations)
        {
            var copy = new SortedDictionary<string, Node>(_nodes, StringComparer.Ordinal);
            for (int i = 0; i < operations.Length; i++)
            {
                if (Apply(copy, operations[i]) is { } error)
                {
                    return (error, i);
                }
            }

            _nodes = copy;
            return (null, 0);
        }

        public string Dump()
        {
            var lines = new StringBuilder();
            Dump("/", lines);
            return lines.ToString();
        }

        private void Dump(string path, StringBuilder lines)
        {
            lines.Append(path).Append(' ').Append(Convert.ToHexString(_nodes[path].Data)).Append(' ').AppendLine(_nodes[path].Version.ToString());
            foreach (string child in _nodes.Keys.Where(p => p != "/" && TreePath.Parent(p) == path))
            {
                Dump(child, lines);
            }
        }

        private static CoordinationError? Apply(SortedDictionary<string, Node> nodes, TreeOperation operation)
        {
            string path = operation.Path, parent = TreePath.Parent(path);
            if (operation.Kind == TreeOperationKind.Create)
            {
                if (!nodes.TryGetValue(parent, out Node? owner))
                {
                    return CoordinationError.NoNode;
                }

                path += operation.Mode >= CreateMode.PersistentSequential ? owner.Made.ToString("D10") : "";
                if (owner.Ephemeral || nodes.ContainsKey(path))
                {
                    return owner.Ephemeral ? CoordinationError.NoChildrenForEphemerals : CoordinationError.NodeExists;
                }

                nodes[parent] = owner with { Made = owner.Made + 1 };
                nodes[path] = new Node(operation.Data.ToArray(), 0, operation.Mode is CreateMode.Ephemeral or CreateMode.EphemeralSequential, 0);
                return null;
            }

            if (!nodes.TryGetValue(path, out Node? node))
            {
                return CoordinationError.NoNode;
            }

            if (operation.Version != -1 && operation.Version != node.Version)
            {
                return CoordinationError.BadVersion;
            }

            if (operation.Kind == TreeOperationKind.Set)
            {
                nodes[path] = node with { Data = operation.Data.ToArray(), Version = node.Version + 1 };
            }
            else if (operation.Kind == TreeOperationKind.Delete)
            {
                if (nodes.Keys.Any(p => TreePath.Parent(p) == path))
                {
                    return CoordinationError.NotEmpty;
                }

                nodes.Remove(path);
            }

            return null;
        }

        private sealed record Node(byte[] Data, int Version, bool Ephemeral, int Made);
    }
}
