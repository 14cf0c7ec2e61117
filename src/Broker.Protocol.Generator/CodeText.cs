using System.Text;

namespace Broker.Protocol.Generator;

/// <summary>Source text with indentation.</summary>
internal sealed class CodeText
{
    private readonly StringBuilder _text = new StringBuilder();
    private int _indent;

    public void Line(string line = "")
    {
        if (line.Length > 0)
        {
            _text.Append(' ', _indent * 4).Append(line);
        }

        _text.Append('\n');
    }

    public void Open(string? line = null)
    {
        if (line != null)
        {
            Line(line);
        }

        Line("{");
        _indent++;
    }

    public void Close(string end = "}")
    {
        _indent--;
        Line(end);
    }

    public void Summary(string text) =>
        Line("/// <summary>" + text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;") + "</summary>");

    public override string ToString() => _text.ToString();
}
