namespace Broker.Protocol;

/// <summary>The type of a field on the wire; <see cref="Struct"/> for one with fields of its own.</summary>
public enum WireType : byte
{
    Bool,
    Int8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    Float64,
    String,
    Bytes,
    Records,
    Uuid,
    Error,
    Struct,
}

/// <summary>What a message is for.</summary>
public enum MessageKind : byte
{
    Request,
    Response,
    Data,
}

/// <summary>A closed range of versions; <see cref="None"/> holds no version.</summary>
public readonly record struct VersionSpan(short Min, short Max)
{
    public static VersionSpan None => new(0, -1);

    public bool IsEmpty => Min > Max;

    public bool Contains(int version) => version >= Min && version <= Max;
}

/// <summary>
/// A message as its schema file describes it. Generated beside the message type from the same file, for tools and tests that walk messages without
/// knowing them: comparisons, fuzzers, an encoder independent of the generated code. Serving a request does not need it.
/// </summary>
/// <param name="Name">Name of the message type, e.g. FetchRequest.</param>
/// <param name="Kind">Request, response or data record.</param>
/// <param name="Key">The API; null for data records.</param>
/// <param name="Versions">Versions described.</param>
/// <param name="Flexible">Those with compact lengths and tags.</param>
/// <param name="Read">Decodes the body.</param>
/// <param name="Fields">In the order of the wire.</param>
public sealed record MessageSchema(
    string Name, MessageKind Kind, ApiKey? Key, VersionSpan Versions, VersionSpan Flexible, MessageReader Read, IReadOnlyList<FieldSchema> Fields);

/// <summary>One field of a message or of a struct inside it.</summary>
/// <param name="Name">Kafka's name.</param>
/// <param name="Type">Of the field, or of an element of the array.</param>
/// <param name="IsArray">The field holds any number of <paramref name="Type"/>.</param>
/// <param name="Versions">Versions that have the field.</param>
public sealed record FieldSchema(string Name, WireType Type, bool IsArray, VersionSpan Versions)
{
    /// <summary>Versions in which null is allowed.</summary>
    public VersionSpan Nullable { get; init; } = VersionSpan.None;

    /// <summary>Number of the tag, where <see cref="Tagged"/>.</summary>
    public int Tag { get; init; } = -1;

    /// <summary>Versions in which the field travels in the tag section.</summary>
    public VersionSpan Tagged { get; init; } = VersionSpan.None;

    /// <summary>The default as written in the schema; null for the default of the type, "null" for null.</summary>
    public string? Default { get; init; }

    /// <summary>Keeps its 16-bit length even in flexible versions.</summary>
    public bool IsNeverFlexible { get; init; }

    /// <summary>Fields of the struct; empty for primitives.</summary>
    public IReadOnlyList<FieldSchema> Children { get; init; } = [];
}
