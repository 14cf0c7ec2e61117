namespace Broker.Protocol.Records;

/// <summary>Layout of a message of magic 0 or 1, counted from its CRC (offset and length come before it).</summary>
internal static class LegacyMessage
{
    /// <summary>CRC, magic, attributes, key length and value length.</summary>
    public const int HeaderBytesV0 = 14;

    /// <summary>The same with a timestamp.</summary>
    public const int HeaderBytesV1 = 22;
}
