namespace Broker.Protocol.Generator;

/// <summary>How the structs of one message are used, so that only the code somebody calls is made: it is thousands of lines to compile.</summary>
internal sealed class StructUses
{
    private readonly HashSet<SchemaStruct> _skipped = new HashSet<SchemaStruct>();
    private readonly HashSet<SchemaStruct> _compared = new HashSet<SchemaStruct>();

    public StructUses(SchemaStruct root) => Visit(root, isInArray: false, isCompared: false);

    /// <summary>The struct stands, however deep, in an array, whose elements are checked by skipping and counted by their least size.</summary>
    public bool IsSkipped(SchemaStruct body) => _skipped.Contains(body);

    /// <summary>The struct decides by its content whether it, or one around it, is sent as a tagged field.</summary>
    public bool IsComparedWithDefaults(SchemaStruct body) => _compared.Contains(body);

    private void Visit(SchemaStruct body, bool isInArray, bool isCompared)
    {
        if (isInArray)
        {
            _skipped.Add(body);
        }

        if (isCompared)
        {
            _compared.Add(body);
        }

        foreach (SchemaField field in body.Fields)
        {
            if (field.Struct != null)
            {
                Visit(field.Struct, isInArray || field.IsArray, !field.IsArray && (isCompared || !field.Tagged.IsEmpty));
            }
        }
    }
}
