namespace Broker.Protocol.Generator;

/// <summary>
/// A schema file after its one parse: either the schema or what is wrong with it. Equal when path and text are, so that a file that did not change
/// is neither parsed nor emitted again.
/// </summary>
internal sealed class SchemaFile : IEquatable<SchemaFile>
{
    private readonly string _text;

    public SchemaFile(string path, string text)
    {
        Path = path;
        _text = text;
        try
        {
            Schema = SchemaParser.Parse(text);
        }
        catch (SchemaException e)
        {
            Error = e;
        }
    }

    public string Path { get; }

    public Schema? Schema { get; }

    public SchemaException? Error { get; }

    public bool Equals(SchemaFile? other) => other != null && Path == other.Path && _text == other._text;

    public override bool Equals(object? obj) => Equals(obj as SchemaFile);

    public override int GetHashCode() => _text.GetHashCode();
}
