using System.Globalization;

namespace Broker.Protocol.Tests;

/// <summary>
/// The content of a struct as values beside the fields of its schema: null, boxed primitives, byte[] for bytes and records, object?[] for structs,
/// List&lt;object?&gt; for arrays. Fields that the version lacks hold their default.
/// </summary>
internal static class DynamicMessage
{
    /// <summary>Random content for one version.</summary>
    public static object?[] Make(Random random, IReadOnlyList<FieldSchema> fields, short version, int depth = 0)
    {
        var values = new object?[fields.Count];
        for (int i = 0; i < fields.Count; i++)
        {
            FieldSchema field = fields[i];
            bool isThere = field.Versions.Contains(version);
            bool isSilent = field.Tagged.Contains(version) && random.Next(3) == 0;
            values[i] = isThere && !isSilent ? Value(random, field, version, depth) : Default(field);
        }

        return values;
    }

    /// <summary>What a field holds that was never read.</summary>
    public static object? Default(FieldSchema field)
    {
        if (field.Default == "null")
        {
            return null;
        }

        if (field.IsArray)
        {
            return new List<object?>();
        }

        string literal = field.Default ?? "0";
        return field.Type switch
        {
            WireType.Struct => field.Children.Select(Default).ToArray(),
            WireType.Bool => literal == "true",
            WireType.Int8 => sbyte.Parse(literal, CultureInfo.InvariantCulture),
            WireType.Int16 or WireType.Error => short.Parse(literal, CultureInfo.InvariantCulture),
            WireType.UInt16 => ushort.Parse(literal, CultureInfo.InvariantCulture),
            WireType.Int32 => int.Parse(literal, CultureInfo.InvariantCulture),
            WireType.UInt32 => uint.Parse(literal, CultureInfo.InvariantCulture),
            WireType.Int64 => long.Parse(literal, CultureInfo.InvariantCulture),
            WireType.Float64 => double.Parse(literal, CultureInfo.InvariantCulture),
            WireType.String => field.Default ?? "",
            WireType.Bytes or WireType.Records => Array.Empty<byte>(),
            WireType.Uuid => Guid.Empty,
            _ => throw new InvalidOperationException(field.Name),
        };
    }

    public static bool AreEqual(object? a, object? b) => (a, b) switch
    {
        (byte[] x, byte[] y) => x.AsSpan().SequenceEqual(y),
        (object?[] x, object?[] y) => x.Length == y.Length && x.Zip(y).All(pair => AreEqual(pair.First, pair.Second)),
        (List<object?> x, List<object?> y) => x.Count == y.Count && x.Zip(y).All(pair => AreEqual(pair.First, pair.Second)),
        _ => Equals(a, b),
    };

    private static object? Value(Random random, FieldSchema field, short version, int depth)
    {
        if (field.Nullable.Contains(version) && random.Next(4) == 0)
        {
            return null;
        }

        if (!field.IsArray)
        {
            return Element(random, field, version, depth);
        }

        int most = depth switch { 0 => 4, 1 => 3, _ => 2 };
        return Enumerable.Range(0, random.Next(most + 1)).Select(_ => Element(random, field, version, depth + 1)).ToList();
    }

    private static object? Element(Random random, FieldSchema field, short version, int depth) => field.Type switch
    {
        WireType.Struct => Make(random, field.Children, version, depth),
        WireType.Bool => random.Next(2) == 0,
        WireType.Int8 => (sbyte)random.Next(sbyte.MinValue, sbyte.MaxValue + 1),
        WireType.Int16 or WireType.Error => (short)random.Next(short.MinValue, short.MaxValue + 1),
        WireType.UInt16 => (ushort)random.Next(ushort.MaxValue + 1),
        WireType.Int32 => (int)random.NextInt64(int.MinValue, int.MaxValue + 1L),
        WireType.UInt32 => (uint)random.NextInt64(uint.MaxValue + 1L),
        WireType.Int64 => random.NextInt64(long.MinValue, long.MaxValue),
        WireType.Float64 => random.NextDouble() * 1e9,
        WireType.String => Text(random),
        WireType.Bytes or WireType.Records => Bytes(random),
        WireType.Uuid => new Guid(RandomBytes(random, 16)),
        _ => throw new InvalidOperationException(field.Name),
    };

    private static string Text(Random random)
    {
        string[] letters = ["a", "B", "7", "-", ".", "é", "ß", "中", "😀", "\0"];
        int length = random.Next(20) switch { 0 => random.Next(100, 300), < 4 => 0, _ => random.Next(1, 12) };
        return string.Concat(Enumerable.Range(0, length).Select(_ => letters[random.Next(letters.Length)]));
    }

    private static byte[] Bytes(Random random) => RandomBytes(random, random.Next(20) switch { 0 => random.Next(100, 300), < 4 => 0, _ => random.Next(1, 40) });

    private static byte[] RandomBytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
