using Broker.Protocol.Messages;
using Xunit.Abstractions;

namespace Broker.Protocol.Tests;

/// <summary>Bytes from somebody who means harm: refused with a <see cref="ProtocolException"/>, at a cost that their number justifies.</summary>
public sealed class HostileInputTests(ITestOutputHelper output)
{
    private const int MiB = 1024 * 1024;

    /// <summary>A collection gives up the rest of the thread's allocation block, which then counts as allocated: some KiB that nobody asked for.</summary>
    private const int NothingMuch = 64 * 1024;

    public static TheoryData<string> Messages => [.. ApiCatalog.Schemas.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_frame_cut_anywhere_is_refused(string name) => EachVersion(name, (schema, version, frame) =>
    {
        byte[] whole = frame.ToArray();
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Null(Decoding.TryRead(schema, version, whole[..length]));
        }
    });

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_length_or_count_that_lies_costs_nothing(string name) => EachVersion(name, (schema, version, frame) =>
    {
        byte[] whole = frame.ToArray();
        foreach (LengthMark mark in frame.Marks)
        {
            foreach (long lie in Mutations.LiesFor(whole.Length))
            {
                // Some lies make another well-formed message; it has to be one that can be gone through.
                IMessage? message = Decoding.TryRead(schema, version, Mutations.Lie(whole, mark, lie));
                _ = message is null ? [] : Decoding.Enumerate(message, version);
            }
        }
    });

    /// <summary>CVE-2026-111115: an object for each unknown tag of two bytes, before authentication.</summary>
    [Fact]
    public void Millions_of_unknown_tags_are_skipped_without_a_trace()
    {
        const int count = MiB;
        var body = new FrameBytes();
        body.String("client", compact: true);
        body.String("1.0", compact: true);
        body.Varint(count);
        for (int i = 0; i < count; i++)
        {
            body.Varint((ulong)i);
            body.Int8(0);
        }

        byte[] frame = body.ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        var reader = new WireReader(frame);
        ApiVersionsRequest request = ApiVersionsRequest.Read(ref reader, 3);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, NothingMuch);
        Assert.Equal(("client", 0), (request.ClientSoftwareName, reader.Remaining));
    }

    [Fact]
    public void Millions_of_unknown_tags_in_the_header_are_skipped_without_a_trace()
    {
        const int count = MiB;
        var head = new FrameBytes();
        head.Int16((short)ApiKey.ApiVersions);
        head.Int16(3);
        head.Int32(7);
        head.String("me", compact: false);
        head.Varint(count);
        for (int i = 0; i < count; i++)
        {
            head.Varint((ulong)i);
            head.Int8(0);
        }

        byte[] frame = head.ToArray();
        long before = GC.GetAllocatedBytesForCurrentThread();
        var reader = new WireReader(frame);
        RequestHeader header = RequestHeader.Read(ref reader, (_, _) => true);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, NothingMuch);
        Assert.Equal(new RequestHeader(ApiKey.ApiVersions, 3, 7, "me"), header);
    }

    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(int.MaxValue)]
    [InlineData(6u)]
    public void More_tags_than_two_bytes_each_allow_are_refused(uint count)
    {
        var body = new FrameBytes();
        body.Varint(count);
        body.Raw(new byte[10]);

        Assert.Throws<ProtocolException>(() => new WireReader(body.ToArray()).SkipTags());
    }

    [Fact]
    public void Tags_ascend_and_none_comes_twice()
    {
        Assert.Throws<ProtocolException>(() => new WireReader(new byte[] { 2, 5, 0, 5, 0 }).SkipTags());
        Assert.Throws<ProtocolException>(() => new WireReader(new byte[] { 2, 5, 0, 4, 0 }).SkipTags());
    }

    [Fact]
    public void A_known_tag_that_ends_elsewhere_than_it_says_is_refused()
    {
        // ClusterId (tag 0, null) said to take two bytes.
        byte[] good = new DynamicEncoder(FetchRequest.DescribeSchema(), 12).Encode([.. FetchRequest.DescribeSchema().Fields.Select(DynamicMessage.Default)]).ToArray();
        byte[] bad = [.. good.AsSpan(0, good.Length - 1), 1, 0, 2, 0, 0];

        Assert.NotNull(Decoding.TryRead(FetchRequest.DescribeSchema(), 12, good));
        Assert.Null(Decoding.TryRead(FetchRequest.DescribeSchema(), 12, bad));
    }

    /// <summary>CVE-2026-111108: one byte of input bought an element of the array.</summary>
    [Fact]
    public void An_array_claims_no_more_elements_than_fit()
    {
        // Twenty partitions of 8 bytes or more each would have to follow; there are 20 bytes.
        var body = new FrameBytes();
        body.Int32(-1);
        body.Int32(500);
        body.Int32(1);
        body.Int32(20);
        body.Raw(new byte[20]);

        var reader = new WireReader(body.ToArray());
        bool isRefused = false;
        try
        {
            FetchRequest.Read(ref reader, 0);
        }
        catch (ProtocolException e)
        {
            isRefused = e.Message.Contains("claims 20 elements", StringComparison.Ordinal);
        }

        Assert.True(isRefused);
    }

    [Fact]
    public void Millions_of_small_elements_allocate_nothing_until_they_are_looked_at()
    {
        const int count = MiB;
        var body = new FrameBytes();
        body.Int32(count);
        body.Raw(new byte[2 * count]);
        byte[] frame = body.ToArray();

        long before = GC.GetAllocatedBytesForCurrentThread();
        var reader = new WireReader(frame);
        MetadataRequest request = MetadataRequest.Read(ref reader, 0);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, NothingMuch);

        Assert.Equal(count, request.Topics.Count);
        int seen = 0;
        foreach (MetadataRequest.MetadataRequestTopic topic in request.Topics)
        {
            seen += topic.Name!.Length + 1;
        }

        Assert.Equal(count, seen);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4L * frame.Length);
    }

    private void EachVersion(string name, Action<MessageSchema, short, FrameBytes> check) => Seeded.Run(output, random =>
    {
        MessageSchema schema = ApiCatalog.Schemas.Single(s => s.Name == name);
        for (short version = schema.Versions.Min; version <= schema.Versions.Max; version++)
        {
            check(schema, version, new DynamicEncoder(schema, version).Encode(DynamicMessage.Make(random, schema.Fields, version)));
        }
    });
}
