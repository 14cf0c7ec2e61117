using System.Reflection;
using Xunit.Abstractions;

namespace Broker.Protocol.Tests;

/// <summary>
/// Every message in every version, with random content: bytes made by an encoder that knows only the schema are read and written by the generated code.
/// </summary>
public sealed class RoundTripTests(ITestOutputHelper output)
{
    private const int RoundsPerVersion = 40;

    public static TheoryData<string> Messages => [.. ApiCatalog.Schemas.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Messages))]
    public void What_is_read_is_what_was_sent_and_is_written_to_the_byte(string name) => Seeded.Run(output, random =>
    {
        MessageSchema schema = Named(name);
        foreach (short version in Versions(schema))
        {
            for (int round = 0; round < RoundsPerVersion; round++)
            {
                object?[] content = DynamicMessage.Make(random, schema.Fields, version);
                byte[] frame = new DynamicEncoder(schema, version).Encode(content).ToArray();

                IMessage message = ReadAll(schema, version, frame);

                object?[] decoded = DecodedContent.Of(message, schema.Fields);
                Assert.True(DynamicMessage.AreEqual(content, decoded), $"{name} v{version}: the content changed");
                Assert.True(frame.AsSpan().SequenceEqual(Write(message, version)), $"{name} v{version}: the bytes changed");
                Assert.True(frame.AsSpan().SequenceEqual(Write((IMessage)Rebuild(message), version)), $"{name} v{version}: the bytes changed once the arrays were materialised");
            }
        }
    });

    [Theory]
    [MemberData(nameof(Messages))]
    public void Tags_that_nobody_knows_are_skipped(string name) => Seeded.Run(output, random =>
    {
        MessageSchema schema = Named(name);
        foreach (short version in Versions(schema).Where(v => schema.Flexible.Contains(v)))
        {
            object?[] content = DynamicMessage.Make(random, schema.Fields, version);
            byte[] plain = new DynamicEncoder(schema, version).Encode(content).ToArray();
            byte[] extended = new DynamicEncoder(schema, version) { UnknownTags = random }.Encode(content).ToArray();

            Assert.True(plain.AsSpan().SequenceEqual(Write(ReadAll(schema, version, extended), version)), $"{name} v{version}");
        }
    });

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_new_message_has_the_defaults_of_its_schema(string name)
    {
        MessageSchema schema = Named(name);
        object message = Activator.CreateInstance(typeof(ApiCatalog).Assembly.GetType($"Broker.Protocol.Messages.{name}")!)!;

        object?[] expected = [.. schema.Fields.Select(DynamicMessage.Default)];
        object?[] actual = DecodedContent.Of(message, schema.Fields);

        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(DynamicMessage.AreEqual(expected[i], actual[i]), $"{name}.{schema.Fields[i].Name}: {actual[i] ?? "null"} instead of {expected[i] ?? "null"}");
        }
    }

    private static MessageSchema Named(string name) => ApiCatalog.Schemas.Single(s => s.Name == name);

    private static IEnumerable<short> Versions(MessageSchema schema)
    {
        for (short version = schema.Versions.Min; version <= schema.Versions.Max; version++)
        {
            yield return version;
        }
    }

    private static IMessage ReadAll(MessageSchema schema, short version, byte[] frame)
    {
        var reader = new WireReader(frame);
        IMessage message = schema.Read(ref reader, version);
        Assert.Equal(0, reader.Remaining);
        return message;
    }

    /// <summary>Replaces every lazy array below <paramref name="value"/> with one of ordinary elements, as a handler builds them.</summary>
    private static object Rebuild(object value)
    {
        foreach (PropertyInfo property in value.GetType().GetProperties().Where(p => p.CanWrite && p.GetValue(value) is not null))
        {
            Type type = property.PropertyType;
            object content = property.GetValue(value)!;
            if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(WireArray<>) && !(bool)type.GetProperty("IsNull")!.GetValue(content)!)
            {
                var items = (Array)type.GetMethod("ToArray")!.Invoke(content, null)!;
                for (int i = 0; i < items.Length && IsMessageStruct(type.GenericTypeArguments[0]); i++)
                {
                    items.SetValue(Rebuild(items.GetValue(i)!), i);
                }

                property.SetValue(value, type.GetMethod("op_Implicit", [items.GetType()])!.Invoke(null, [items]));
            }
            else if (IsMessageStruct(content.GetType()))
            {
                property.SetValue(value, Rebuild(content));
            }
        }

        return value;
    }

    private static bool IsMessageStruct(Type type) => type.IsValueType && type.IsNested && type.Namespace == typeof(Messages.FetchRequest).Namespace;

    private static byte[] Write(IMessage message, short version)
    {
        var bytes = new byte[message.Size(version) - message.FileBytes];
        var writer = new WireWriter(bytes);
        message.Write(writer, version);
        Assert.Equal(bytes.Length, writer.Position);
        return bytes;
    }
}
