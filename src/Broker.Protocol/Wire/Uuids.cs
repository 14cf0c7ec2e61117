using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;

namespace Broker.Protocol;

/// <summary>Kafka's text form of UUIDs: 16 big-endian bytes as 22 characters of URL-safe base64 without padding.</summary>
public static class Uuids
{
    private const int Bytes = 16;

    public static string ToText(Guid id)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return Base64Url.EncodeToString(bytes);
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out Guid id)
    {
        id = default;
        Span<byte> bytes = stackalloc byte[Bytes];
        if (text is null || text.Length != 22 || !Base64Url.IsValid(text) || !Base64Url.TryDecodeFromChars(text, bytes, out int written) || written != Bytes)
        {
            return false;
        }

        id = new Guid(bytes, bigEndian: true);
        return true;
    }
}
