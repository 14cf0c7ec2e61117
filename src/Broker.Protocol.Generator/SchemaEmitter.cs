namespace Broker.Protocol.Generator;

/// <summary>Writes the description of a message that stands beside its type: the schema as data.</summary>
internal sealed class SchemaEmitter
{
    private readonly Schema _schema;
    private readonly CodeText _code;

    public SchemaEmitter(Schema schema, CodeText code)
    {
        _schema = schema;
        _code = code;
    }

    public void Emit(SchemaMessage message)
    {
        string kind = message == _schema.Request ? "Request" : message == _schema.Response ? "Response" : "Data";
        _code.Line();
        _code.Summary("The schema that this type was made from, as data.");
        _code.Line("public static MessageSchema DescribeSchema() => new(");
        _code.Line("    \"" + message.Name + "\", MessageKind." + kind + ", " + (_schema.Key >= 0 ? "ApiKey." + _schema.Name : "null") + ", "
            + Span(_schema.Versions) + ", " + Span(_schema.Flexible) + ",");
        _code.Line("    static (ref WireReader reader, short version) => Read(ref reader, version),");
        EmitFields(message.Root, ");");
    }

    private void EmitFields(SchemaStruct body, string end)
    {
        _code.Open("[");
        foreach (SchemaField field in body.Fields)
        {
            string head = "new(\"" + field.Name + "\", WireType." + TypeName(field) + ", " + (field.IsArray ? "true" : "false") + ", " + Span(field.Versions) + ")";
            List<string> options = Options(field);
            if (field.Struct == null)
            {
                _code.Line(head + (options.Count > 0 ? " { " + string.Join(", ", options) + " }," : ","));
            }
            else
            {
                _code.Open(head);
                options.ForEach(option => _code.Line(option + ","));
                _code.Line("Children =");
                EmitFields(field.Struct, ",");
                _code.Close("},");
            }
        }

        _code.Close("]" + end);
    }

    private List<string> Options(SchemaField field)
    {
        var options = new List<string>();
        if (!field.Nullable.IsEmpty)
        {
            options.Add("Nullable = " + Span(field.Nullable));
        }

        if (!field.Tagged.IsEmpty)
        {
            options.Add("Tag = " + field.Tag);
            options.Add("Tagged = " + Span(field.Tagged));
        }

        if (field.Default != null)
        {
            options.Add("Default = \"" + FieldCode.Text(field.Default) + "\"");
        }

        if (field.IsNeverFlexible)
        {
            options.Add("IsNeverFlexible = true");
        }

        return options;
    }

    private static string TypeName(SchemaField field) =>
        field.Struct != null ? "Struct"
        : field.Type == "uint16" ? "UInt16"
        : field.Type == "uint32" ? "UInt32"
        : char.ToUpperInvariant(field.Type[0]) + field.Type.Substring(1);

    private string Span(VersionRange range)
    {
        VersionRange within = range.Intersect(_schema.Versions);
        return within.IsEmpty ? "VersionSpan.None" : "new(" + within.Min + ", " + within.Max + ")";
    }
}
