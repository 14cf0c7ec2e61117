namespace Broker.Protocol.Tests;

/// <summary>Encodes <see cref="DynamicMessage"/> content from the schema alone, independent of the generated code.</summary>
internal sealed class DynamicEncoder(MessageSchema schema, short version)
{
    private readonly bool _isFlexible = schema.Flexible.Contains(version);

    /// <summary>When set, adds tags that no schema knows, as a later client would.</summary>
    public Random? UnknownTags { get; init; }

    public FrameBytes Encode(object?[] values)
    {
        var frame = new FrameBytes();
        Struct(frame, schema.Fields, values);
        return frame;
    }

    private void Struct(FrameBytes frame, IReadOnlyList<FieldSchema> fields, object?[] values)
    {
        for (int i = 0; i < fields.Count; i++)
        {
            if (fields[i].Versions.Contains(version) && !fields[i].Tagged.Contains(version))
            {
                Field(frame, fields[i], values[i]);
            }
        }

        if (_isFlexible)
        {
            Tags(frame, fields, values);
        }
    }

    private void Tags(FrameBytes frame, IReadOnlyList<FieldSchema> fields, object?[] values)
    {
        var tags = new SortedDictionary<int, FrameBytes>();
        for (int i = 0; i < fields.Count; i++)
        {
            if (fields[i].Tagged.Contains(version) && !DynamicMessage.AreEqual(values[i], DynamicMessage.Default(fields[i])))
            {
                var tag = new FrameBytes();
                Field(tag, fields[i], values[i]);
                tags.Add(fields[i].Tag, tag);
            }
        }

        for (int i = UnknownTags?.Next(3) ?? 0; i > 0; i--)
        {
            var unknown = new FrameBytes();
            unknown.Raw(new byte[UnknownTags!.Next(200)]);
            tags.TryAdd(UnknownTags.Next(1000, int.MaxValue), unknown);
        }

        frame.TagLength(tags.Count);
        foreach ((int number, FrameBytes tag) in tags)
        {
            frame.Varint((ulong)number);
            frame.TagLength(tag.Length);
            frame.Append(tag);
        }
    }

    private void Field(FrameBytes frame, FieldSchema field, object? value)
    {
        bool compact = _isFlexible && !field.IsNeverFlexible;
        if (field.IsArray)
        {
            var items = (List<object?>?)value;
            frame.Count(items?.Count ?? -1, compact);
            items?.ForEach(item => Element(frame, field, item, compact));
            return;
        }

        if (field.Type == WireType.Struct && field.Nullable.Contains(version))
        {
            frame.Int8(value is null ? (sbyte)-1 : (sbyte)1);
            if (value is null)
            {
                return;
            }
        }

        Element(frame, field, value, compact);
    }

    private void Element(FrameBytes frame, FieldSchema field, object? value, bool compact)
    {
        switch (field.Type)
        {
            case WireType.Struct: Struct(frame, field.Children, (object?[])value!); break;
            case WireType.Bool: frame.Int8((sbyte)((bool)value! ? 1 : 0)); break;
            case WireType.Int8: frame.Int8((sbyte)value!); break;
            case WireType.Int16 or WireType.Error: frame.Int16((short)value!); break;
            case WireType.UInt16: frame.Int16((short)(ushort)value!); break;
            case WireType.Int32: frame.Int32((int)value!); break;
            case WireType.UInt32: frame.Int32((int)(uint)value!); break;
            case WireType.Int64: frame.Int64((long)value!); break;
            case WireType.Float64: frame.Int64(BitConverter.DoubleToInt64Bits((double)value!)); break;
            case WireType.Uuid: frame.Raw(((Guid)value!).ToByteArray(bigEndian: true)); break;
            case WireType.String: frame.String((string?)value, compact); break;
            case WireType.Bytes or WireType.Records: frame.Bytes((byte[]?)value, compact); break;
            default: throw new InvalidOperationException(field.Name);
        }
    }
}
