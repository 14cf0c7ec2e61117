using Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Broker.Storage.Tests;

/// <summary>The n-th file operation fails, for every n: the directory goes offline, answers stay clean, and the next start has what was acknowledged.</summary>
public class FaultTests
{
    [Fact]
    public void Whichever_operation_fails_nothing_acknowledged_is_lost()
    {
        bool hasFailed = true;
        for (int failing = 0; hasFailed; failing++)
        {
            FailingFiles files = new();
            using LogRig rig = new(LogRig.Topic(("segment.bytes", "150"), ("flush.messages", "3")), files);
            _ = rig.Log;
            files.Remaining = failing;
            List<string> acknowledged = Work(rig);
            hasFailed = files.HasFailed;
            Assert.Equal(!hasFailed, rig.Manager.Directories[0].IsOnline);
            if (hasFailed)
            {
                Assert.Equal(ErrorCode.KafkaStorageError, rig.Log.AppendAsLeader(Batches.Of("x"), 0, AppendOrigin.Client).Error);
                Assert.Equal(ErrorCode.KafkaStorageError, rig.Log.Read(0, 1, true, long.MaxValue).Error);
            }

            files.Remaining = int.MaxValue;
            rig.Crash();
            string[] found = [.. LogReader.Records(rig.Log, rig.Log.LogStartOffset).Select(r => r.Value)];
            Assert.Equal(acknowledged.Where(v => int.Parse(v) >= rig.Log.LogStartOffset), found.Take(acknowledged.Count));
            LogConsistency.Check(rig.Log);
        }
    }

    private static List<string> Work(LogRig rig)
    {
        List<string> acknowledged = [];
        PartitionLog log = rig.Log;
        for (int i = 0; i < 7; i++)
        {
            AppendResult result = log.AppendAndFlush(Batches.Idempotent(1, 0, i), 0, AppendOrigin.Client);
            Assert.True(result.Error is ErrorCode.None or ErrorCode.KafkaStorageError, $"{result.Error}");
            if (result.Error == ErrorCode.None)
            {
                acknowledged.Add($"{i}");
            }

            log.AdvanceHighWatermark(log.LogEndOffset);
        }

        ErrorCode deleted = log.DeleteRecords(2);
        Assert.True(deleted is ErrorCode.None or ErrorCode.KafkaStorageError or ErrorCode.OffsetOutOfRange, $"{deleted}");
        return acknowledged;
    }

    private sealed class FailingFiles : LogFiles
    {
        private int _remaining = int.MaxValue;

        public int Remaining
        {
            set => Volatile.Write(ref _remaining, value);
        }

        public bool HasFailed { get; private set; }

        public override SafeFileHandle Open(string path, bool create)
        {
            Fail();
            return base.Open(path, create);
        }

        public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long position)
        {
            if (Volatile.Read(ref _remaining) == 0)
            {
                // A torn write: half of it reaches the file.
                base.Write(file, bytes[..(bytes.Length / 2)], position);
            }

            Fail();
            base.Write(file, bytes, position);
        }

        public override void Flush(SafeFileHandle file)
        {
            Fail();
            base.Flush(file);
        }

        public override void Move(string from, string to)
        {
            Fail();
            base.Move(from, to);
        }

        public override void SetLength(SafeFileHandle file, long length)
        {
            Fail();
            base.SetLength(file, length);
        }

        private void Fail()
        {
            int left = Volatile.Read(ref _remaining);
            if (left == int.MaxValue)
            {
                return;
            }

            if (left == 0)
            {
                HasFailed = true;
                throw new IOException("No space left on device");
            }

            Interlocked.CompareExchange(ref _remaining, left - 1, left);
        }
    }
}
