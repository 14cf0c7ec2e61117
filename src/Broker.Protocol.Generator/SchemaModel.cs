namespace Broker.Protocol.Generator;

/// <summary>A closed range of versions; empty when <see cref="Min"/> exceeds <see cref="Max"/>.</summary>
public readonly struct VersionRange
{
    public VersionRange(int min, int max)
    {
        Min = min;
        Max = max;
    }

    public static VersionRange None => new VersionRange(0, -1);

    public int Min { get; }

    /// <summary><see cref="int.MaxValue"/> for "and later".</summary>
    public int Max { get; }

    public bool IsEmpty => Min > Max;

    public bool Contains(int version) => version >= Min && version <= Max;

    /// <summary>True when every version of <paramref name="other"/> is in this range.</summary>
    public bool Covers(VersionRange other) => other.IsEmpty || (Min <= other.Min && Max >= other.Max);

    public VersionRange Intersect(VersionRange other) =>
        new VersionRange(Min > other.Min ? Min : other.Min, Max < other.Max ? Max : other.Max);
}

/// <summary>One line of a schema: a field, and the struct below it when it has one.</summary>
public sealed class SchemaField
{
    public string Name { get; set; } = "";

    /// <summary>Element type without the array brackets.</summary>
    public string Type { get; set; } = "";

    public bool IsArray { get; set; }

    public VersionRange Versions { get; set; }

    public VersionRange Nullable { get; set; } = VersionRange.None;

    public VersionRange Tagged { get; set; } = VersionRange.None;

    public int Tag { get; set; } = -1;

    public string? Default { get; set; }

    /// <summary>Keeps 16-bit lengths in flexible versions.</summary>
    public bool IsNeverFlexible { get; set; }

    /// <summary>Kafka treats the array as a map by this field; no effect on the bytes.</summary>
    public bool IsKey { get; set; }

    public string About { get; set; } = "";

    /// <summary>The struct behind <see cref="Type"/>; null for primitives.</summary>
    public SchemaStruct? Struct { get; set; }

    public int Line { get; set; }
}

/// <summary>A struct and its fields: the root of a body, one written in place, or a shared one.</summary>
public sealed class SchemaStruct
{
    public string Name { get; set; } = "";

    public string About { get; set; } = "";

    public List<SchemaField> Fields { get; } = new List<SchemaField>();
}

/// <summary>One body: a request, a response or a data record.</summary>
public sealed class SchemaMessage
{
    public string Name { get; set; } = "";

    public SchemaStruct Root { get; set; } = new SchemaStruct();
}

/// <summary>A whole schema file. Not changed once <see cref="SchemaParser"/> has returned it.</summary>
public sealed class Schema
{
    /// <summary>API or data record name.</summary>
    public string Name { get; set; } = "";

    /// <summary>-1 for data records.</summary>
    public int Key { get; set; } = -1;

    public VersionRange Versions { get; set; }

    public VersionRange Flexible { get; set; } = VersionRange.None;

    public string About { get; set; } = "";

    public SortedDictionary<int, string> History { get; } = new SortedDictionary<int, string>();

    public SchemaMessage? Request { get; set; }

    public SchemaMessage? Response { get; set; }

    public SchemaMessage? Data { get; set; }

    public List<SchemaStruct> SharedStructs { get; } = new List<SchemaStruct>();

    public IEnumerable<SchemaMessage> Messages => new[] { Request, Response, Data }.OfType<SchemaMessage>();
}
