namespace Broker.Protocol.Generator;

/// <summary>Writes <c>Size</c> and <c>Write</c> of a body or struct, which have to agree to the byte.</summary>
internal sealed class WriteEmitter
{
    private readonly Schema _schema;
    private readonly CodeText _code;
    private readonly List<FieldCode> _fields;
    private readonly List<FieldCode> _tagged;

    public WriteEmitter(Schema schema, CodeText code, List<FieldCode> fields)
    {
        _schema = schema;
        _code = code;
        _fields = fields;

        // Tags ascend on the wire whatever their order in the schema.
        _tagged = fields.Where(f => !f.Field.Tagged.IsEmpty).OrderBy(f => f.Field.Tag).ToList();
    }

    public void Emit()
    {
        _code.Line();
        _code.Line("/// <summary>Bytes this takes on the wire, ranges of files included.</summary>");
        _code.Open("public int Size(short version)");
        _code.Line("int size = 0;");
        _code.Guarded(_fields, field => field.PlainCondition, field => _code.Line("size += " + field.Size() + ";"));
        EmitTags(SizeTags);
        _code.Line("return size;");
        _code.Close();
        foreach (FieldCode field in _fields.Where(f => f.Field.IsArray))
        {
            EmitArraySize(field);
        }

        _code.Line();
        _code.Line("/// <summary>Writes what <see cref=\"Size\"/> has counted, ranges of files as attachments.</summary>");
        _code.Open("public void Write(WireWriter writer, short version)");
        _code.Guarded(_fields, field => field.PlainCondition, EmitWriteField);
        EmitTags(WriteTags);
        _code.Close();
    }

    private void EmitArraySize(FieldCode field)
    {
        _code.Line();
        _code.Open("private int SizeOf" + field.Name + "(short version)");
        _code.Line("int size = WireSize.ArrayCount(" + field.Name + ".IsNull ? -1 : " + field.Name + ".Count, " + field.Compact + ");");
        int fixedSize = FieldCode.FixedSize(field.Field.Type);
        if (fixedSize > 0)
        {
            _code.Line("return size + (" + field.Name + ".Count * " + fixedSize + ");");
        }
        else
        {
            _code.Open("foreach (var item in " + field.Name + ")");
            _code.Line("size += " + field.SizeElement("item") + ";");
            _code.Close();
            _code.Line("return size;");
        }

        _code.Close();
    }

    private void EmitWriteField(FieldCode field)
    {
        if (field.IsNull is { } isNull)
        {
            _code.Line("WireWriter.ForbidNull(" + isNull + ", nameof(" + field.Name + "), version);");
        }

        if (field.Field.IsArray)
        {
            _code.Line("writer.WriteArrayCount(" + field.Name + ".IsNull ? -1 : " + field.Name + ".Count, " + field.Compact + ");");
            _code.Open("foreach (var item in " + field.Name + ")");
            _code.Line(field.WriteElement("item") + ";");
            _code.Close();
        }
        else if (field.IsNullableStruct)
        {
            _code.Line("writer.WriteInt8(" + field.Name + " is null ? (sbyte)-1 : (sbyte)1);");
            _code.Line(field.Name + "?.Write(writer, version);");
        }
        else
        {
            _code.Line(field.WriteElement(field.Name) + ";");
        }
    }

    private void EmitTags(Action each)
    {
        if (!_schema.Flexible.IsEmpty)
        {
            _code.Guarded(new[] { each }, _ => FieldCode.Condition(_schema.Flexible, _schema), action => action());
        }
    }

    private void SizeTags()
    {
        if (_tagged.Count == 0)
        {
            _code.Line("size++;");
            return;
        }

        _code.Line("uint tags = 0;");
        foreach (FieldCode field in _tagged)
        {
            _code.Open("if (" + field.IsSent + ")");
            _code.Line("int length = " + field.Size() + ";");
            _code.Line("size += " + VarintSize(field.Field.Tag) + " + WireSize.UnsignedVarint((uint)length) + length;");
            _code.Line("tags++;");
            _code.Close();
        }

        _code.Line("size += WireSize.UnsignedVarint(tags);");
    }

    private void WriteTags()
    {
        if (_tagged.Count == 0)
        {
            _code.Line("writer.WriteUnsignedVarint(0);");
            return;
        }

        _code.Line("uint tags = 0;");
        foreach (FieldCode field in _tagged)
        {
            _code.Line("tags += (" + field.IsSent + ") ? 1u : 0u;");
        }

        _code.Line("writer.WriteUnsignedVarint(tags);");
        foreach (FieldCode field in _tagged)
        {
            _code.Open("if (" + field.IsSent + ")");
            _code.Line("writer.WriteUnsignedVarint(" + field.Field.Tag + ");");
            _code.Line("writer.WriteUnsignedVarint((uint)" + field.Size() + ");");
            EmitWriteField(field);
            _code.Close();
        }
    }

    private static int VarintSize(int value) => value < 0x80 ? 1 : 1 + VarintSize(value >> 7);
}
