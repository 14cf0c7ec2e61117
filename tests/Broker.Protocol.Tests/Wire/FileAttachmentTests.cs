using Broker.Protocol.Messages;
using Microsoft.Win32.SafeHandles;

namespace Broker.Protocol.Tests;

/// <summary>Records that stay in a file are counted in the size, noted where they belong, and never enter the buffer.</summary>
public sealed class FileAttachmentTests
{
    [Theory]
    [InlineData(4)]
    [InlineData(12)]
    [InlineData(17)]
    public void A_response_with_file_ranges_is_the_one_with_their_bytes(short version)
    {
        byte[] stored = [.. Enumerable.Range(0, 500).Select(i => (byte)i)];
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, stored);
            using SafeFileHandle file = File.OpenHandle(path);
            FetchResponse inMemory = Response(WireRecords.FromMemory(stored.AsMemory(10, 200)), WireRecords.FromMemory(stored.AsMemory(300, 50)));
            FetchResponse inFile = Response(WireRecords.FromFile(new FileSlice(file, 10, 200)), WireRecords.FromFile(new FileSlice(file, 300, 50)));

            Assert.Equal(250, inFile.FileBytes);
            Assert.Equal(inMemory.Size(version), inFile.Size(version));
            Assert.Equal(Decoding.Enumerate(inMemory, version), Joined(inFile, version));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The bytes as a connection sends them: the buffer, with each range before the byte it is noted at.</summary>
    private static byte[] Joined(FetchResponse response, short version)
    {
        var buffer = new byte[response.Size(version) - response.FileBytes];
        var writer = new WireWriter(buffer);
        response.Write(writer, version);
        Assert.Equal(buffer.Length, writer.Position);

        List<byte> sent = [];
        int position = 0;
        foreach (FileAttachment attachment in writer.Attachments)
        {
            sent.AddRange(buffer[position..attachment.BufferPosition]);
            var bytes = new byte[attachment.Slice.Length];
            RandomAccess.Read(attachment.Slice.File, bytes, attachment.Slice.Position);
            sent.AddRange(bytes);
            position = attachment.BufferPosition;
        }

        sent.AddRange(buffer[position..]);
        return [.. sent];
    }

    private static FetchResponse Response(WireRecords first, WireRecords second) => new()
    {
        Responses =
        [
            new FetchResponse.FetchableTopicResponse
            {
                Topic = "t",
                Partitions =
                [
                    new FetchResponse.PartitionData { PartitionIndex = 0, Records = first },
                    new FetchResponse.PartitionData { PartitionIndex = 1, Records = WireRecords.Null },
                    new FetchResponse.PartitionData { PartitionIndex = 2, Records = second },
                ],
            },
        ],
    };
}
