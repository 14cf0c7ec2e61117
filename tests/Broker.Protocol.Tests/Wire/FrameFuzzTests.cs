using System.Globalization;
using Xunit.Abstractions;

namespace Broker.Protocol.Tests;

/// <summary>
/// Random frames of random messages, most of them damaged: decoding either refuses them or gives a message that can be gone through and written, within the
/// allocation bound. BROKER_FUZZ_FRAMES sets their number; the same seed gives the same frames. The usual million takes some 15 s of one core.
/// </summary>
public sealed class FrameFuzzTests(ITestOutputHelper output)
{
    private const int DefaultFrames = 1_000_000;

    /// <summary>Making a message costs more than decoding it, so each is damaged in several ways.</summary>
    private const int FramesPerMessage = 8;

    /// <summary>A frame takes microseconds; one that takes this long has found a loop.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromMinutes(2);

    private long _frame;

    [Fact]
    public void No_frame_does_more_than_be_refused() => Seeded.Run(output, random =>
    {
        int frames = int.TryParse(Environment.GetEnvironmentVariable("BROKER_FUZZ_FRAMES"), CultureInfo.InvariantCulture, out int wanted) ? wanted : DefaultFrames;
        MessageSchema[] schemas = [.. ApiCatalog.Schemas];
        Task<(int Accepted, int Refused)> fuzzing = Task.Factory.StartNew(() => Fuzz(random, schemas, frames), TaskCreationOptions.LongRunning);
        for (long seen = -1; !fuzzing.Wait(Hang);)
        {
            Assert.True(seen != Interlocked.Read(ref _frame), $"Frame {seen} does not come to an end");
            seen = Interlocked.Read(ref _frame);
        }

        output.WriteLine($"{frames} frames, {fuzzing.Result.Accepted} accepted, {fuzzing.Result.Refused} refused");
        Assert.True(fuzzing.Result.Accepted > frames / 10 && fuzzing.Result.Refused > frames / 10, "The fuzzer no longer makes both good and bad frames");
    });

    private (int Accepted, int Refused) Fuzz(Random random, MessageSchema[] schemas, int frames)
    {
        int accepted = 0;
        byte[] other = [];
        for (int i = 0; i < frames; i += FramesPerMessage)
        {
            MessageSchema schema = schemas[random.Next(schemas.Length)];
            var version = (short)random.Next(schema.Versions.Min, schema.Versions.Max + 1);
            FrameBytes original = Make(random, schema, version);
            byte[] whole = original.ToArray();
            for (int j = i; j < Math.Min(i + FramesPerMessage, frames); j++)
            {
                Interlocked.Exchange(ref _frame, j);
                try
                {
                    byte[] bytes = random.Next(4) == 0 ? whole : Mutations.Damage(random, whole, original.Marks, other);
                    bool isAccepted = schema.Kind == MessageKind.Request ? TryRequest(bytes) : TryBody(schema, version, bytes);
                    accepted += isAccepted ? 1 : 0;
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"Frame {j}, {schema.Name} v{version}: {e.Message}", e);
                }
            }

            other = whole;
        }

        return (accepted, frames - accepted);
    }

    private static FrameBytes Make(Random random, MessageSchema schema, short version)
    {
        var frame = new FrameBytes();
        var encoder = new DynamicEncoder(schema, version) { UnknownTags = random.Next(4) == 0 ? random : null };
        if (schema.Kind == MessageKind.Request)
        {
            frame.Int16((short)schema.Key!);
            frame.Int16(version);
            frame.Int32(random.Next());
            int headerVersion = ApiCatalog.RequestHeaderVersion(schema.Key.Value, version);
            if (headerVersion >= 1)
            {
                frame.String(random.Next(3) == 0 ? null : "client", compact: false);
            }

            if (headerVersion == 2)
            {
                frame.TagLength(0);
            }
        }

        frame.Append(encoder.Encode(DynamicMessage.Make(random, schema.Fields, version)));
        return frame;
    }

    /// <summary>Header, then the body it names, as a dispatcher that serves everything.</summary>
    private static bool TryRequest(byte[] bytes)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        RequestHeader header = default;
        IMessage? message = null;
        try
        {
            var reader = new WireReader(bytes);
            header = RequestHeader.Read(ref reader, IsDescribed);
            if (IsDescribed(header.ApiKey, header.ApiVersion))
            {
                message = ApiCatalog.Get(header.ApiKey).ReadRequest(ref reader, header.ApiVersion);
            }
        }
        catch (ProtocolException)
        {
            // Refused: the message stays null.
        }

        Decoding.AssertWithinBound(before, bytes.Length, () => header.ToString());
        return message is not null && GoThrough(message, header.ApiVersion, ApiCatalog.Get(header.ApiKey).ReadRequest);
    }

    private static bool TryBody(MessageSchema schema, short version, byte[] bytes) =>
        Decoding.TryRead(schema, version, bytes) is { } message && GoThrough(message, version, schema.Read);

    /// <summary>Decodes and writes the whole message; what was written reads as the same message again.</summary>
    private static bool GoThrough(IMessage message, short version, MessageReader read)
    {
        byte[] written = Decoding.Enumerate(message, version);
        var reader = new WireReader(written);
        byte[] again = Decoding.Enumerate(read(ref reader, version), version);
        if (reader.Remaining > 0 || !written.AsSpan().SequenceEqual(again))
        {
            Assert.Fail("What was written reads as something else");
        }

        return true;
    }

    private static bool IsDescribed(ApiKey key, short version) =>
        ApiCatalog.TryGet(key, out ApiDescription api) && version >= api.MinVersion && version <= api.MaxVersion;
}
