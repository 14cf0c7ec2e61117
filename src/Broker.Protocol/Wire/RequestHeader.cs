namespace Broker.Protocol;

/// <summary>
/// The head of every request. The client id keeps its 16-bit length even in the flexible header (version 2); null reads as empty.
/// </summary>
public readonly record struct RequestHeader(ApiKey ApiKey, short ApiVersion, int CorrelationId, string ClientId)
{
    /// <summary>
    /// Reads as much of the header as can be understood: of an API or version that is not served only the fixed part, because its header version is unknown.
    /// </summary>
    /// <exception cref="ProtocolException">The bytes end too early or a length lies.</exception>
    public static RequestHeader Read(ref WireReader reader, Func<ApiKey, short, bool> isServed)
    {
        var key = (ApiKey)reader.ReadInt16();
        short version = reader.ReadInt16();
        int correlationId = reader.ReadInt32();
        if (!isServed(key, version))
        {
            return new RequestHeader(key, version, correlationId, "");
        }

        int headerVersion = ApiCatalog.RequestHeaderVersion(key, version);
        string clientId = headerVersion >= 1 ? reader.ReadNullableString(compact: false) ?? "" : "";
        if (headerVersion >= 2)
        {
            reader.SkipTags();
        }

        return new RequestHeader(key, version, correlationId, clientId);
    }

    /// <summary>Bytes of this header in front of the body.</summary>
    public int Size()
    {
        int version = ApiCatalog.RequestHeaderVersion(ApiKey, ApiVersion);
        return 8 + (version >= 1 ? WireSize.String(ClientId, compact: false) : 0) + (version >= 2 ? 1 : 0);
    }

    public void Write(WireWriter writer)
    {
        int version = ApiCatalog.RequestHeaderVersion(ApiKey, ApiVersion);
        writer.WriteInt16((short)ApiKey);
        writer.WriteInt16(ApiVersion);
        writer.WriteInt32(CorrelationId);
        if (version >= 1)
        {
            writer.WriteString(ClientId, compact: false);
        }

        if (version >= 2)
        {
            writer.WriteUnsignedVarint(0);
        }
    }
}
