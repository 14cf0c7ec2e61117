namespace Broker.Protocol.Generator;

/// <summary>Writes <c>Read</c> of a body or struct, and where it stands in arrays <c>Skip</c> and <c>MinSize</c>.</summary>
internal sealed class ReadEmitter
{
    private readonly Schema _schema;
    private readonly CodeText _code;
    private readonly List<FieldCode> _fields;

    public ReadEmitter(Schema schema, CodeText code, List<FieldCode> fields)
    {
        _schema = schema;
        _code = code;
        _fields = fields;
    }

    public void Emit(SchemaStruct body, StructUses uses)
    {
        EmitRead(body.Name);
        if (uses.IsSkipped(body))
        {
            EmitSkip();
            EmitMinSize();
        }
    }

    private void EmitRead(string type)
    {
        _code.Line();
        _code.Line("/// <inheritdoc/>");
        _code.Open("public static " + type + " Read(ref WireReader reader, short version)");
        _code.Line("var value = new " + type + "();");
        _code.Guarded(_fields, field => field.PlainCondition, field => _code.Line(Assign(field)));
        EmitTags(Assign);
        _code.Line("return value;");
        _code.Close();
    }

    private void EmitSkip()
    {
        _code.Line();
        _code.Line("/// <summary>Checks the bytes by reading past them, without making anything.</summary>");
        _code.Open("internal static void Skip(ref WireReader reader, short version)");
        _code.Guarded(_fields, field => field.PlainCondition, field => _code.Line(field.Skip()));
        EmitTags(field => field.Skip());
        _code.Close();
    }

    private void EmitMinSize()
    {
        _code.Line();
        _code.Line("/// <summary>The least bytes this takes, which bounds how many fit into what is left of a frame.</summary>");
        _code.Open("internal static int MinSize(short version)");
        _code.Line("int size = 0;");
        _code.Guarded(_fields, field => field.PlainCondition, field => _code.Line("size += " + field.MinSize + ";"));
        if (!_schema.Flexible.IsEmpty)
        {
            _code.Guarded(new[] { "size++;" }, _ => FieldCode.Condition(_schema.Flexible, _schema), _code.Line);
        }

        _code.Line("return size;");
        _code.Close();
    }

    private static string Assign(FieldCode field) => "value." + field.Name + " = " + field.Read() + ";";

    private void EmitTags(Func<FieldCode, string> take)
    {
        if (_schema.Flexible.IsEmpty)
        {
            return;
        }

        _code.Guarded(new[] { take }, _ => FieldCode.Condition(_schema.Flexible, _schema), EmitTagSection);
    }

    private void EmitTagSection(Func<FieldCode, string> take)
    {
        List<FieldCode> tagged = _fields.Where(f => !f.Field.Tagged.IsEmpty).ToList();
        if (tagged.Count == 0)
        {
            _code.Line("reader.SkipTags();");
            return;
        }

        _code.Line("uint tags = reader.ReadTagCount();");
        _code.Line("long previous = -1;");
        _code.Open("for (uint i = 0; i < tags; i++)");
        _code.Line("uint tag = reader.ReadTag(ref previous, out int size);");
        _code.Line("int end = reader.Position + size;");
        _code.Open("switch (tag)");
        foreach (FieldCode field in tagged)
        {
            _code.Line("case " + field.Field.Tag + (field.TaggedCondition == "true" ? ":" : " when " + field.TaggedCondition + ":"));
            _code.Line("    " + take(field));
            _code.Line("    reader.ExpectEnd(end, tag);");
            _code.Line("    break;");
        }

        _code.Line("default:");
        _code.Line("    reader.Skip(size);");
        _code.Line("    break;");
        _code.Close();
        _code.Close();
    }
}
