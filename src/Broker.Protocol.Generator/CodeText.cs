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

    /// <summary>Starts a block below <paramref name="head"/>; a head of "[" is itself the start.</summary>
    public void Open(string head)
    {
        Line(head);
        if (head != "[")
        {
            Line("{");
        }

        _indent++;
    }

    public void Close(string end = "}")
    {
        _indent--;
        Line(end);
    }

    public void Summary(string text) => Line("/// <summary>" + Escape(text) + "</summary>");

    public static string Escape(string text) => text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");

    /// <summary>
    /// Writes items of which each needs a condition; neighbours with the same one share an <c>if</c>. Null as condition leaves the item out.
    /// </summary>
    public void Guarded<T>(IEnumerable<T> items, Func<T, string?> condition, Action<T> write)
    {
        string open = "true";
        foreach (T item in items)
        {
            if (!(condition(item) is { } wanted))
            {
                continue;
            }

            if (wanted != open)
            {
                if (open != "true")
                {
                    Close();
                }

                open = wanted;
                if (open != "true")
                {
                    Open("if (" + open + ")");
                }
            }

            write(item);
        }

        if (open != "true")
        {
            Close();
        }
    }

    public override string ToString() => _text.ToString();
}
