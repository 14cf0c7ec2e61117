using System.Globalization;

namespace Broker.Protocol.Generator;

/// <summary>A line of a schema that cannot be understood.</summary>
public sealed class SchemaException : Exception
{
    public SchemaException(int line, string message)
        : base(message) => Line = line;

    /// <summary>Counted from 1.</summary>
    public int Line { get; }
}

/// <summary>
/// Reads the schema notation (docs/internals/protocol.md): head lines, then <c>history</c>, then <c>request</c>, <c>response</c>, <c>fields</c> and
/// <c>struct</c> blocks whose fields nest by two spaces.
/// </summary>
public sealed class SchemaParser
{
    private static readonly HashSet<string> Primitives = new HashSet<string>(StringComparer.Ordinal)
    {
        "bool", "int8", "int16", "uint16", "int32", "uint32", "int64", "float64", "string", "bytes", "records", "uuid", "error",
    };

    private readonly Schema _schema = new Schema();
    private readonly List<(int Depth, SchemaStruct Struct)> _open = new List<(int, SchemaStruct)>();
    private readonly List<SchemaField> _unresolved = new List<SchemaField>();
    private bool _inHistory;
    private int _line;

    public static bool IsPrimitive(string type) => Primitives.Contains(type);

    /// <exception cref="SchemaException">A line does not follow the notation, or the schema contradicts itself.</exception>
    public static Schema Parse(string text)
    {
        var parser = new SchemaParser();
        foreach (string line in text.Split('\n'))
        {
            parser._line++;
            parser.Take(line.TrimEnd());
        }

        Schema schema = parser.Finish();
        SchemaChecks.Check(schema);
        return schema;
    }

    public static VersionRange ParseRange(string text)
    {
        if (text.EndsWith("+", StringComparison.Ordinal))
        {
            return new VersionRange(Number(text.Substring(0, text.Length - 1)), int.MaxValue);
        }

        int dash = text.IndexOf('-');
        return dash < 0
            ? new VersionRange(Number(text), Number(text))
            : new VersionRange(Number(text.Substring(0, dash)), Number(text.Substring(dash + 1)));
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private void Take(string line)
    {
        string trimmed = line.TrimStart(' ');
        if (trimmed.Length == 0 || trimmed[0] == '#')
        {
            return;
        }

        int indent = line.Length - trimmed.Length;
        try
        {
            if (indent == 0)
            {
                Head(trimmed);
            }
            else if (_inHistory)
            {
                int separator = trimmed.IndexOf(" -- ", StringComparison.Ordinal);
                _schema.History[Number(trimmed.Substring(0, separator))] = trimmed.Substring(separator + 4);
            }
            else
            {
                Field(indent, trimmed);
            }
        }
        catch (Exception e) when (e is FormatException || e is OverflowException || e is ArgumentException || e is IndexOutOfRangeException)
        {
            throw new SchemaException(_line, "This line does not follow the schema notation: " + trimmed);
        }
    }

    private void Head(string line)
    {
        _inHistory = false;
        _open.Clear();
        int space = line.IndexOf(' ');
        string word = space < 0 ? line : line.Substring(0, space);
        string rest = space < 0 ? "" : line.Substring(space + 1).Trim();
        switch (word)
        {
            case "api":
            case "data":
                _schema.Name = rest;
                break;
            case "key":
                _schema.Key = Number(rest);
                break;
            case "versions":
                _schema.Versions = ParseRange(rest);
                break;
            case "flexible":
                _schema.Flexible = rest == "none" ? VersionRange.None : ParseRange(rest);
                break;
            case "about":
                _schema.About = rest;
                break;
            case "history":
                _inHistory = true;
                break;
            case "request":
                _schema.Request = Open(_schema.Name + "Request");
                break;
            case "response":
                _schema.Response = Open(_schema.Name + "Response");
                break;
            case "fields":
                _schema.Data = Open(_schema.Name);
                break;
            case "struct":
                int about = rest.IndexOf(" -- ", StringComparison.Ordinal);
                var shared = new SchemaStruct { Name = about < 0 ? rest : rest.Substring(0, about), About = about < 0 ? "" : rest.Substring(about + 4) };
                _schema.SharedStructs.Add(shared);
                _open.Add((0, shared));
                break;
            default:
                throw new SchemaException(_line, "Unknown head word '" + word + "'; one of api, data, key, versions, flexible, about, history, request, response, fields, struct was expected");
        }
    }

    private SchemaMessage Open(string name)
    {
        var message = new SchemaMessage { Name = name, Root = new SchemaStruct { Name = name, About = _schema.About } };
        _open.Add((0, message.Root));
        return message;
    }

    private void Field(int indent, string line)
    {
        if (indent % 2 != 0 || _open.Count == 0)
        {
            throw new SchemaException(_line, "A field is indented by two spaces per level, below request, response, fields or struct");
        }

        int depth = (indent / 2) - 1;
        while (_open.Count > 0 && _open[_open.Count - 1].Depth > depth)
        {
            _open.RemoveAt(_open.Count - 1);
        }

        SchemaField? parent = depth > 0 && _open[_open.Count - 1].Depth < depth ? LastField(_open[_open.Count - 1].Struct) : null;
        if (parent != null)
        {
            if (_open[_open.Count - 1].Depth != depth - 1 || IsPrimitive(parent.Type))
            {
                throw new SchemaException(_line, "This field is nested below one that is no struct");
            }

            parent.Struct = new SchemaStruct { Name = parent.Type, About = parent.About };
            _unresolved.Remove(parent);
            _open.Add((depth, parent.Struct));
        }

        SchemaField field = ParseField(line);
        _open[_open.Count - 1].Struct.Fields.Add(field);
        if (!IsPrimitive(field.Type))
        {
            _unresolved.Add(field);
        }
    }

    private static SchemaField LastField(SchemaStruct s) => s.Fields[s.Fields.Count - 1];

    private SchemaField ParseField(string line)
    {
        int about = line.IndexOf(" -- ", StringComparison.Ordinal);
        if (about < 0)
        {
            throw new SchemaException(_line, "A field ends with ' -- ' and its meaning");
        }

        int colon = line.IndexOf(':');
        if (colon < 1 || !char.IsUpper(line[0]) || !line.Take(colon).All(char.IsLetterOrDigit))
        {
            throw new SchemaException(_line, "A field starts with its name, in PascalCase, and a colon");
        }

        string[] words = line.Substring(colon + 1, about - colon - 1).Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries);
        var field = new SchemaField
        {
            Name = line.Substring(0, colon),
            IsArray = words[0].StartsWith("[]", StringComparison.Ordinal),
            Type = words[0].StartsWith("[]", StringComparison.Ordinal) ? words[0].Substring(2) : words[0],
            Versions = ParseRange(words[1]).Intersect(_schema.Versions),
            About = line.Substring(about + 4),
            Line = _line,
        };
        for (int i = 2; i < words.Length; i++)
        {
            switch (words[i])
            {
                case "nullable":
                    field.Nullable = ParseRange(words[++i]).Intersect(field.Versions);
                    break;
                case "tag":
                    field.Tag = Number(words[++i]);
                    field.Tagged = ParseRange(words[++i]).Intersect(field.Versions);
                    break;
                case "default":
                    field.Default = words[++i];
                    break;
                case "noflex":
                    field.IsNeverFlexible = true;
                    break;
                case "key":
                    field.IsKey = true;
                    break;
                default:
                    throw new SchemaException(_line, "Unknown option '" + words[i] + "'; one of nullable, tag, default, noflex, key was expected");
            }
        }

        return field;
    }

    private Schema Finish()
    {
        foreach (SchemaField field in _unresolved)
        {
            field.Struct = _schema.SharedStructs.Find(s => s.Name == field.Type)
                ?? throw new SchemaException(field.Line, "There is no type '" + field.Type + "': it is neither a primitive, nor has fields below it, nor a struct block of its own");
        }

        if (_schema.Name.Length == 0 || (_schema.Data == null && (_schema.Request == null || _schema.Response == null || _schema.Key < 0)))
        {
            throw new SchemaException(1, "A schema has 'api', 'key', 'versions', 'request' and 'response', or 'data', 'versions' and 'fields'");
        }

        return _schema;
    }
}
