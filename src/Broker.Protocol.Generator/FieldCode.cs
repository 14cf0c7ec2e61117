using System.Globalization;

namespace Broker.Protocol.Generator;

/// <summary>The C# of one field: its type, default, and the expressions that read, skip, size and write it.</summary>
internal sealed class FieldCode
{
    private readonly SchemaField _field;
    private readonly Schema _schema;

    public FieldCode(SchemaField field, Schema schema)
    {
        _field = field;
        _schema = schema;
    }

    public SchemaField Field => _field;

    public string Name => _field.Name;

    public bool IsNullable => !_field.Nullable.IsEmpty;

    public bool IsNullableStruct => IsNullable && _field.Struct != null && !_field.IsArray;

    /// <summary>Where the field stands among the plain ones; null when it is tagged in all its versions.</summary>
    public string? PlainCondition =>
        _field.Tagged.IsEmpty ? Condition(_field.Versions)
        : _field.Tagged.Covers(_field.Versions) ? null
        : Condition(new VersionRange(_field.Versions.Min, _field.Tagged.Min - 1));

    public string TaggedCondition => Condition(_field.Tagged);

    /// <summary>C# expression for "the tagged field travels", which one does that differs from its default.</summary>
    public string IsSent => TaggedCondition == "true" ? IsSet : TaggedCondition + " && " + IsSet;

    /// <summary>C# expression for "null where the version forbids it"; null when the compiler or the schema rules it out.</summary>
    public string? IsNull =>
        !IsNullable || _field.Nullable.Covers(_field.Versions) ? null
        : "!(" + NullableCondition + ") && " + Name + (_field.IsArray || _field.Type == "records" ? ".IsNull" : " is null");

    /// <summary>C# expression for "lengths are compact".</summary>
    public string Compact => _field.IsNeverFlexible || _schema.Flexible.IsEmpty ? "false" : Condition(_schema.Flexible);

    public string NullableCondition => _field.Nullable.IsEmpty ? "false" : Condition(_field.Nullable);

    public string ElementType => CSharpType(_field.Type);

    public string Type
    {
        get
        {
            if (_field.IsArray)
            {
                return "WireArray<" + ElementType + ">";
            }

            bool marked = IsNullable && (_field.Type == "string" || _field.Type == "bytes" || _field.Struct != null);
            return ElementType + (marked ? "?" : "");
        }
    }

    public string Initializer
    {
        get
        {
            if (_field.IsArray)
            {
                return _field.Default == "null" ? " = WireArray<" + ElementType + ">.Null;" : "";
            }

            if (_field.Struct != null)
            {
                return !IsNullable ? " = new();" : _field.Default == "null" ? "" : " = new " + ElementType + "();";
            }

            switch (_field.Type)
            {
                case "string":
                    return _field.Default == "null" ? "" : " = \"" + Text(_field.Default) + "\";";
                case "bytes":
                    return _field.Default == "null" ? "" : " = [];";
                case "records":
                case "uuid":
                    return "";
                case "error":
                    return _field.Default == null ? "" : " = (ErrorCode)(" + _field.Default + ");";
                case "float64":
                    return _field.Default == null ? "" : " = " + _field.Default + "D;";
                default:
                    return _field.Default == null || _field.Default == "0" || _field.Default == "false" ? "" : " = " + _field.Default + ";";
            }
        }
    }

    /// <summary>C# expression for "differs from the default", which decides whether a tagged field is sent.</summary>
    public string IsSet
    {
        get
        {
            if (_field.IsArray)
            {
                return _field.Default == "null" ? "!" + Name + ".IsNull" : "(" + Name + ".IsNull || " + Name + ".Count > 0)";
            }

            if (_field.Struct != null)
            {
                return !IsNullable ? "!" + Name + ".HasOnlyDefaults"
                    : _field.Default == "null" ? Name + " is not null"
                    : Name + " is not { HasOnlyDefaults: true }";
            }

            switch (_field.Type)
            {
                case "string":
                    return _field.Default == "null" ? Name + " is not null" : Name + " != \"" + Text(_field.Default) + "\"";
                case "bytes":
                    return _field.Default == "null" ? Name + " is not null" : Name + " is not { Length: 0 }";
                case "records":
                    return "(" + Name + ".IsNull || " + Name + ".Length > 0)";
                case "uuid":
                    return Name + " != System.Guid.Empty";
                case "bool":
                    return _field.Default == "true" ? "!" + Name : Name;
                case "error":
                    return "(short)" + Name + " != " + (_field.Default ?? "0");
                default:
                    return Name + " != " + (_field.Default ?? "0");
            }
        }
    }

    /// <summary>Least bytes of the field when it is there; for arrays, of the array itself.</summary>
    public string MinSize
    {
        get
        {
            if (_field.IsArray || _field.Type == "bytes" || _field.Type == "records")
            {
                return Pick("1", "4");
            }

            return _field.Struct != null && IsNullable ? "1" : MinElementSize;
        }
    }

    public string MinElementSize
    {
        get
        {
            if (_field.Struct != null)
            {
                return ElementType + ".MinSize(version)";
            }

            int size = FixedSize(_field.Type);
            return size > 0 ? size.ToString(CultureInfo.InvariantCulture) : _field.Type == "string" ? Pick("1", "2") : Pick("1", "4");
        }
    }

    public string Read()
    {
        if (_field.IsArray)
        {
            string head = "(ref reader, version, " + Compact + ", " + NullableCondition + ", " + MinElementSize + ", ";
            return _field.Struct != null ? "WireArray.Read<" + ElementType + ">" + head + ElementType + ".Skip, " + ElementType + ".Read)"
                : FixedSize(_field.Type) > 0 ? "WireArray.ReadFixed<" + ElementType + ">" + head + Lambda(ReadElement(false)) + ")"
                : "WireArray.Read<" + ElementType + ">" + head + Lambda(SkipElement()) + ", " + Lambda(ReadElement(false)) + ")";
        }

        if (_field.Struct != null && IsNullable)
        {
            return "reader.ReadStructPresent() ? " + ElementType + ".Read(ref reader, version) : null";
        }

        return ReadElement(IsNullable);
    }

    /// <summary>A statement.</summary>
    public string Skip()
    {
        if (_field.IsArray)
        {
            string head = "(ref reader, version, " + Compact + ", " + NullableCondition + ", " + MinElementSize;
            return _field.Struct != null ? "WireArray.Skip" + head + ", " + ElementType + ".Skip);"
                : FixedSize(_field.Type) > 0 ? "WireArray.SkipFixed(ref reader, " + Compact + ", " + NullableCondition + ", " + MinElementSize + ");"
                : "WireArray.Skip" + head + ", " + Lambda(SkipElement()) + ");";
        }

        return IsNullableStruct ? "if (reader.ReadStructPresent()) { " + SkipElement() + "; }" : SkipElement() + ";";
    }

    public string Size()
    {
        if (_field.IsArray)
        {
            return "SizeOf" + Name + "(version)";
        }

        if (_field.Struct != null)
        {
            return IsNullable ? "(1 + (" + Name + "?.Size(version) ?? 0))" : Name + ".Size(version)";
        }

        return SizeElement(Name);
    }

    public string SizeElement(string value)
    {
        int size = FixedSize(_field.Type);
        return size > 0 ? size.ToString(CultureInfo.InvariantCulture)
            : _field.Struct != null ? value + ".Size(version)"
            : _field.Type == "string" ? "WireSize.String(" + value + ", " + Compact + ")"
            : _field.Type == "bytes" ? "WireSize.Bytes(" + value + ", " + Compact + ")"
            : "WireSize.Records(" + value + ", " + Compact + ")";
    }

    public string WriteElement(string value)
    {
        switch (_field.Type)
        {
            case "bool": return "writer.WriteBoolean(" + value + ")";
            case "int8": return "writer.WriteInt8(" + value + ")";
            case "int16": return "writer.WriteInt16(" + value + ")";
            case "uint16": return "writer.WriteUInt16(" + value + ")";
            case "int32": return "writer.WriteInt32(" + value + ")";
            case "uint32": return "writer.WriteInt32((int)" + value + ")";
            case "int64": return "writer.WriteInt64(" + value + ")";
            case "float64": return "writer.WriteFloat64(" + value + ")";
            case "uuid": return "writer.WriteUuid(" + value + ")";
            case "error": return "writer.WriteErrorCode(" + value + ")";
            case "string": return "writer.WriteString(" + value + ", " + Compact + ")";
            case "bytes": return "writer.WriteBytes(" + value + ", " + Compact + ")";
            case "records": return "writer.WriteRecords(" + value + ", " + Compact + ")";
            default: return value + ".Write(writer, version)";
        }
    }

    /// <summary>A C# condition on <c>version</c> for a range, relative to the versions the schema has.</summary>
    public static string Condition(VersionRange range, Schema schema)
    {
        bool fromStart = range.Min <= schema.Versions.Min;
        bool toEnd = range.Max >= schema.Versions.Max;
        return fromStart && toEnd ? "true"
            : fromStart ? "version <= " + range.Max
            : toEnd ? "version >= " + range.Min
            : range.Min == range.Max ? "version == " + range.Min
            : "version is >= " + range.Min + " and <= " + range.Max;
    }

    public static int FixedSize(string type)
    {
        switch (type)
        {
            case "bool": case "int8": return 1;
            case "int16": case "uint16": case "error": return 2;
            case "int32": case "uint32": return 4;
            case "int64": case "float64": return 8;
            case "uuid": return 16;
            default: return 0;
        }
    }

    private string Condition(VersionRange range) => Condition(range, _schema);

    private static string Lambda(string body) => "static (ref WireReader reader, short version) => " + body;

    private static string CSharpType(string type)
    {
        switch (type)
        {
            case "int8": return "sbyte";
            case "int16": return "short";
            case "uint16": return "ushort";
            case "int32": return "int";
            case "uint32": return "uint";
            case "int64": return "long";
            case "float64": return "double";
            case "bytes": return "byte[]";
            case "records": return "WireRecords";
            case "uuid": return "System.Guid";
            case "error": return "ErrorCode";
            default: return type;
        }
    }

    internal static string Text(string? literal) => literal == null || literal == "\"\"" ? "" : literal;

    private string Pick(string compact, string plain) =>
        Compact == "true" ? compact : Compact == "false" ? plain : "(" + Compact + " ? " + compact + " : " + plain + ")";

    private string ReadElement(bool nullable)
    {
        switch (_field.Type)
        {
            case "bool": return "reader.ReadBoolean()";
            case "int8": return "reader.ReadInt8()";
            case "int16": return "reader.ReadInt16()";
            case "uint16": return "reader.ReadUInt16()";
            case "int32": return "reader.ReadInt32()";
            case "uint32": return "(uint)reader.ReadInt32()";
            case "int64": return "reader.ReadInt64()";
            case "float64": return "reader.ReadFloat64()";
            case "uuid": return "reader.ReadUuid()";
            case "error": return "reader.ReadErrorCode()";
            case "records": return "reader.ReadRecords(" + Compact + ", " + NullableCondition + ")";
            case "string": return ReadCounted("String", nullable);
            case "bytes": return ReadCounted("Bytes", nullable);
            default: return ElementType + ".Read(ref reader, version)";
        }
    }

    private string ReadCounted(string what, bool nullable)
    {
        string strict = "reader.Read" + what + "(" + Compact + ")";
        string lenient = "reader.ReadNullable" + what + "(" + Compact + ")";
        return !nullable ? strict : _field.Nullable.Covers(_field.Versions) ? lenient : "(" + NullableCondition + ") ? " + lenient + " : " + strict;
    }

    private string SkipElement()
    {
        int size = FixedSize(_field.Type);
        string nullable = _field.IsArray ? "false" : NullableCondition;
        return size > 0 ? "reader.Skip(" + size + ")"
            : _field.Type == "string" ? "reader.SkipString(" + Compact + ", " + nullable + ")"
            : _field.Type == "bytes" || _field.Type == "records" ? "reader.SkipBytes(" + Compact + ", " + nullable + ")"
            : ElementType + ".Skip(ref reader, version)";
    }
}
