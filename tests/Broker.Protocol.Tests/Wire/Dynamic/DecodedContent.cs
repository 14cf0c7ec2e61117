using System.Collections;

namespace Broker.Protocol.Tests;

/// <summary>Turns a decoded message back into <see cref="DynamicMessage"/> content, by the names in the schema.</summary>
internal static class DecodedContent
{
    public static object?[] Of(object message, IReadOnlyList<FieldSchema> fields)
    {
        var values = new object?[fields.Count];
        for (int i = 0; i < fields.Count; i++)
        {
            object? value = message.GetType().GetProperty(fields[i].Name)!.GetValue(message);
            values[i] = fields[i].IsArray ? Items(value!, fields[i]) : Element(value, fields[i]);
        }

        return values;
    }

    private static List<object?>? Items(object array, FieldSchema field)
    {
        bool isNull = (bool)array.GetType().GetProperty("IsNull")!.GetValue(array)!;
        return isNull ? null : ((IEnumerable)array).Cast<object?>().Select(item => Element(item, field)).ToList();
    }

    private static object? Element(object? value, FieldSchema field) => value switch
    {
        ErrorCode error => (short)error,
        WireRecords records => records.IsNull ? null : records.Memory.ToArray(),
        not null when field.Type == WireType.Struct => Of(value, field.Children),
        _ => value,
    };
}
