using System.Globalization;

namespace Broker.Protocol.Generator;

/// <summary>Finds what a line alone cannot show: contradictions between the parts of a schema.</summary>
internal static class SchemaChecks
{
    /// <exception cref="SchemaException">The schema contradicts itself.</exception>
    public static void Check(Schema schema)
    {
        CheckHistory(schema);
        foreach (SchemaMessage message in schema.Messages)
        {
            var types = new Dictionary<string, SchemaStruct>(StringComparer.Ordinal);
            CheckStruct(schema, message.Root, types, new Stack<SchemaStruct>());
            SchemaField? clash = message.Root.Fields.Find(f => types.ContainsKey(f.Name));
            if (clash != null)
            {
                throw new SchemaException(clash.Line, "Field " + clash.Name + " has the name of a struct of the same message; C# needs two names");
            }
        }
    }

    private static void CheckHistory(Schema schema)
    {
        for (int version = schema.Versions.Min; version <= schema.Versions.Max; version++)
        {
            if (!schema.History.ContainsKey(version))
            {
                throw new SchemaException(1, "Version " + version + " has no line in the history; say what it changed");
            }
        }

        int stray = schema.History.Keys.FirstOrDefault(v => !schema.Versions.Contains(v));
        if (!schema.Versions.Contains(stray) && schema.History.ContainsKey(stray))
        {
            throw new SchemaException(1, "The history speaks of version " + stray + ", which is outside of 'versions'");
        }
    }

    private static void CheckStruct(Schema schema, SchemaStruct body, Dictionary<string, SchemaStruct> types, Stack<SchemaStruct> path)
    {
        path.Push(body);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var tags = new HashSet<int>();
        foreach (SchemaField field in body.Fields)
        {
            if (!names.Add(field.Name))
            {
                throw new SchemaException(field.Line, "Field " + field.Name + " is there twice");
            }

            if (field.Name == body.Name)
            {
                throw new SchemaException(field.Line, "Field " + field.Name + " has the name of its struct; C# needs two names");
            }

            CheckField(schema, field);
            if (!field.Tagged.IsEmpty && !tags.Add(field.Tag))
            {
                throw new SchemaException(field.Line, "Tag " + field.Tag + " is used twice in " + body.Name);
            }

            if (field.Struct != null)
            {
                CheckType(schema, field, field.Struct, types, path);
            }
        }

        path.Pop();
    }

    private static void CheckType(Schema schema, SchemaField field, SchemaStruct type, Dictionary<string, SchemaStruct> types, Stack<SchemaStruct> path)
    {
        if (path.Contains(type))
        {
            throw new SchemaException(field.Line, "Struct " + type.Name + " contains itself");
        }

        if (types.TryGetValue(type.Name, out SchemaStruct known) && known != type)
        {
            throw new SchemaException(field.Line, "Struct " + type.Name + " is described twice in one message; give it another name or a struct block of its own");
        }

        types[type.Name] = type;
        CheckStruct(schema, type, types, path);
    }

    private static void CheckField(Schema schema, SchemaField field)
    {
        if (field.Versions.IsEmpty)
        {
            throw new SchemaException(field.Line, "Field " + field.Name + " is in no version of the schema");
        }

        bool canBeNull = field.IsArray || field.Struct != null || field.Type == "string" || field.Type == "bytes" || field.Type == "records";
        if (!field.Nullable.IsEmpty && !canBeNull)
        {
            throw new SchemaException(field.Line, "A field of type " + field.Type + " cannot be null");
        }

        if (field.Struct != null && !field.IsArray && !field.Nullable.IsEmpty && !field.Nullable.Covers(field.Versions))
        {
            throw new SchemaException(field.Line, "Struct " + field.Name + " is nullable in some of its versions only; a struct can be null in all of them or in none");
        }

        if (field.Tag >= 0 && !schema.Flexible.Covers(field.Tagged))
        {
            throw new SchemaException(field.Line, "Field " + field.Name + " is tagged in a version that is not flexible");
        }

        if (!field.Tagged.IsEmpty && field.Tagged.Max < field.Versions.Max)
        {
            throw new SchemaException(field.Line, "Field " + field.Name + " is tagged in earlier versions and plain in later ones, which the generator does not know");
        }

        CheckDefault(field);
    }

    private static void CheckDefault(SchemaField field)
    {
        string? literal = field.Default;
        if (literal == null)
        {
            return;
        }

        bool fits = literal == "null" ? !field.Nullable.IsEmpty : !field.IsArray && field.Struct == null && Fits(field.Type, literal);
        if (!fits)
        {
            throw new SchemaException(field.Line, "Default " + literal + " does not suit field " + field.Name + " of type " + field.Type);
        }
    }

    private static bool Fits(string type, string literal)
    {
        switch (type)
        {
            case "bool": return literal == "true" || literal == "false";
            case "string": return true;
            case "int8": return Within(literal, sbyte.MinValue, sbyte.MaxValue);
            case "int16": case "error": return Within(literal, short.MinValue, short.MaxValue);
            case "uint16": return Within(literal, 0, ushort.MaxValue);
            case "int32": return Within(literal, int.MinValue, int.MaxValue);
            case "uint32": return Within(literal, 0, uint.MaxValue);
            case "int64": return Within(literal, long.MinValue, long.MaxValue);
            case "float64": return double.TryParse(literal, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
            default: return false;
        }
    }

    private static bool Within(string literal, long min, long max) =>
        long.TryParse(literal, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= min && value <= max;
}
