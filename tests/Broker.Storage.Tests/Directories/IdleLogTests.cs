using Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Broker.Storage.Tests;

/// <summary>Thousands of partitions of which most are idle: those hold no files open, and a stop has nothing to write for them.</summary>
public class IdleLogTests
{
    private const int Logs = 20;

    [Fact]
    public void After_a_clean_start_no_file_stays_open_and_a_stop_writes_only_what_belongs_to_the_directory()
    {
        CountingFiles files = new();
        using LogRig rig = new(files: files, hasThreads: false);
        for (int i = 0; i < Logs; i++)
        {
            PartitionLog log = rig.Manager.GetOrCreate(new TopicPartition("t", i), LogRig.TopicId, rig.Config);
            log.BecomeLeader(0);
            Assert.Equal(ErrorCode.None, log.AppendAsLeader(Batches.Of($"{i}"), 0, AppendOrigin.Client).Error);
        }

        rig.Restart();
        Assert.Equal(0, files.OpenCount);
        foreach (PartitionLog log in rig.Manager.Logs)
        {
            log.BecomeLeader(1);
        }

        rig.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(0, files.OpenCount);
        files.Written.Clear();
        rig.Stop();
        Assert.DoesNotContain(files.Written, path => path.Contains("/t-", StringComparison.Ordinal));

        rig.Restart();
        Assert.Equal(Enumerable.Range(0, Logs).Select(i => $"{i}"), Enumerable.Range(0, Logs).Select(i => LogReader.Records(rig.Manager.Find(new TopicPartition("t", i))!, 0).Single().Value));
    }

    [Fact]
    public void A_log_that_becomes_idle_lets_its_file_go_and_opens_it_again()
    {
        CountingFiles files = new();
        using LogRig rig = new(files: files, hasThreads: false);
        rig.Append(Batches.Of("a"));
        int opened = files.Opened("0.log");
        rig.Append(Batches.Of("b"));
        Assert.Equal(opened, files.Opened("0.log"));
        rig.Advance(TimeSpan.FromMinutes(1));
        rig.Advance(TimeSpan.FromMinutes(1));
        rig.Append(Batches.Of("c"));
        Assert.Equal(opened + 1, files.Opened("0.log"));
        Assert.Equal(["a", "b", "c"], LogReader.Records(rig.Log, 0).Select(r => r.Value));
        rig.Restart();
        LogConsistency.Check(rig.Log);
    }

    private sealed class CountingFiles : LogFiles
    {
        private readonly List<(string Path, SafeFileHandle File)> _opened = [];

        public List<string> Written { get; } = [];

        public int OpenCount => _opened.Count(static each => !each.File.IsClosed);

        public int Opened(string nameEnd) => _opened.Count(each => each.Path.EndsWith(nameEnd, StringComparison.Ordinal));

        public override SafeFileHandle Open(string path, bool create)
        {
            SafeFileHandle file = base.Open(path, create);
            lock (_opened)
            {
                _opened.Add((path, file));
            }

            return file;
        }

        public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long position)
        {
            lock (_opened)
            {
                Written.Add(_opened.Find(each => ReferenceEquals(each.File, file)).Path);
            }

            base.Write(file, bytes, position);
        }
    }
}
