using static Broker.Cluster.Tests.Trees;

namespace Broker.Cluster.Tests;

/// <summary>The n-th write, sync, rename or cut of the store fails, and then perhaps the process dies.</summary>
public sealed class DiskFaultTests
{
    [Fact]
    public async Task A_full_disk_refuses_the_change_and_takes_the_next_one_when_there_is_room()
    {
        using var directory = new TemporaryDirectory();
        bool full = false;
        await using EmbeddedTree tree = directory.Open(beforeStep: step =>
        {
            if (full && step == TreeFileStep.AppendWrite)
            {
                throw new IOException("No space left on device");
            }
        });
        await tree.CreateAsync("/a", default);
        var seen = new List<WatchedEvent>();
        await tree.ExistsAsync("/b", seen.Add);

        full = true;
        CoordinationException refusal = await RefusesAsync(CoordinationError.StoreFailed, () => tree.CreateAsync("/b", default).AsTask());
        Assert.Contains("No space left on device", refusal.Message, StringComparison.Ordinal);
        Assert.Null(await tree.ExistsAsync("/b"));
        Assert.Empty(seen);

        full = false;
        await tree.CreateAsync("/b", default);
        Assert.Single(seen);
    }

    [Fact]
    public async Task After_a_failed_sync_nothing_more_is_promised_until_a_restart()
    {
        using var directory = new TemporaryDirectory();
        bool failing = false;
        await using (EmbeddedTree tree = directory.Open(beforeStep: step =>
        {
            if (failing && step == TreeFileStep.AppendSync)
            {
                throw new IOException("Input/output error");
            }
        }))
        {
            await tree.CreateAsync("/a", default);
            failing = true;
            await RefusesAsync(CoordinationError.StoreFailed, () => tree.CreateAsync("/b", default).AsTask());
            failing = false;

            await RefusesAsync(CoordinationError.StoreFailed, () => tree.CreateAsync("/c", default).AsTask());
            Assert.Equal(["a"], await tree.ChildrenAsync("/"));
        }

        await using EmbeddedTree next = directory.Open();
        Assert.Contains("a", await next.ChildrenAsync("/"));
        Assert.DoesNotContain("c", await next.ChildrenAsync("/"));
    }

    /// <summary>Every step of a story with snapshots fails once, in turn; what was acknowledged is there, what was refused is not (or, after a failed sync, may be).</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whichever_step_fails_acknowledged_changes_stay(bool dies)
    {
        for (int failAt = 1; ; failAt++)
        {
            using var directory = new TemporaryDirectory();
            int steps = 0;
            TreeFileStep? failed = null;
            EmbeddedTree tree = directory.Open(snapshotAfterBytes: 200, beforeStep: step =>
            {
                if (++steps == failAt || (dies && steps > failAt))
                {
                    failed ??= step;
                    throw new IOException($"{step} fails");
                }
            });
            var acknowledged = new List<string>();
            var unknown = new List<string>();
            for (int i = 0; i < 12; i++)
            {
                try
                {
                    acknowledged.Add(await tree.CreateAsync($"/n{i:D2}", new byte[20]));
                }
                catch (CoordinationException e) when (e.Error == CoordinationError.StoreFailed)
                {
                    if (e.Message.Contains("Nobody knows", StringComparison.Ordinal))
                    {
                        unknown.Add($"/n{i:D2}");
                    }
                }
            }

            await tree.DisposeAsync();
            await using EmbeddedTree next = directory.Open();
            string[] found = [.. (await next.ChildrenAsync("/")).Select(n => "/" + n)];
            Assert.True(
                acknowledged.All(found.Contains) && found.All(f => acknowledged.Contains(f) || unknown.Contains(f)),
                $"step {failAt} ({failed}): acknowledged {string.Join(' ', acknowledged)}; unknown {string.Join(' ', unknown)}; found {string.Join(' ', found)}");
            if (failed is null)
            {
                Assert.True(failAt > 30);
                return;
            }
        }
    }
}
