namespace Broker.Protocol.Tests;

/// <summary>Decodes frames as the broker does and holds decoding to its promises.</summary>
internal static class Decoding
{
    /// <summary>What decoding may allocate beside four times the frame: an exception and first-use costs.</summary>
    private const int AllocationSlack = 64 * 1024;

    /// <summary>Reads a body. Null when the bytes were refused; anything but a refusal is a failure of the test.</summary>
    public static IMessage? TryRead(MessageSchema schema, short version, byte[] frame) => TryRead(schema, version, frame, out _);

    public static IMessage? TryRead(MessageSchema schema, short version, byte[] frame, out int left)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        IMessage? message = null;
        left = 0;
        try
        {
            var reader = new WireReader(frame);
            message = schema.Read(ref reader, version);
            left = reader.Remaining;
        }
        catch (ProtocolException)
        {
            // Refused: the message stays null.
        }

        AssertWithinBound(before, frame.Length, () => $"{schema.Name} v{version}");
        return message;
    }

    /// <summary>Decodes every element of every array, which sizing does, and writes the message: what was accepted can be sent.</summary>
    public static byte[] Enumerate(IMessage message, short version)
    {
        var bytes = new byte[message.Size(version) - message.FileBytes];
        var writer = new WireWriter(bytes);
        message.Write(writer, version);
        if (bytes.Length != writer.Position)
        {
            Assert.Fail($"Size counted {bytes.Length} bytes, Write wrote {writer.Position}");
        }

        return bytes;
    }

    public static void AssertWithinBound(long before, int frameBytes, Func<string> what)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > (4L * frameBytes) + AllocationSlack)
        {
            Assert.Fail($"{what()}: decoding {frameBytes} bytes allocated {allocated}");
        }
    }
}
