namespace Broker.Protocol;

/// <summary>Reads a request or response body of one API.</summary>
public delegate IMessage MessageReader(ref WireReader reader, short version);

/// <summary>What the schemas say of one API.</summary>
/// <param name="Key">The API.</param>
/// <param name="MinVersion">Lowest version described.</param>
/// <param name="MaxVersion">Highest version described.</param>
/// <param name="FirstFlexibleVersion">From here on lengths are compact and structs end with tags; <see cref="short.MaxValue"/> for never.</param>
/// <param name="ReadRequest">Decodes a request body.</param>
/// <param name="ReadResponse">Decodes a response body.</param>
public sealed record ApiDescription(ApiKey Key, short MinVersion, short MaxVersion, short FirstFlexibleVersion, MessageReader ReadRequest, MessageReader ReadResponse);

/// <summary>Every API that has a schema. The table itself is generated.</summary>
public static partial class ApiCatalog
{
    private static readonly ApiDescription?[] ByKey = Index();

    public static IReadOnlyList<ApiDescription> All { get; } = [.. ByKey.OfType<ApiDescription>()];

    /// <summary>The schema of every message and data record, requests before responses. Built when first asked for; serving does not ask.</summary>
    public static IReadOnlyList<MessageSchema> Schemas => field ??= ListSchemas();

    public static bool TryGet(ApiKey key, out ApiDescription description)
    {
        description = (uint)key < (uint)ByKey.Length ? ByKey[(int)key]! : null!;
        return description is not null;
    }

    /// <exception cref="KeyNotFoundException">The API has no schema.</exception>
    public static ApiDescription Get(ApiKey key) => TryGet(key, out ApiDescription description) ? description : throw new KeyNotFoundException($"There is no schema for {key}");

    /// <summary>0 without a client id (only ControlledShutdown v0), 1 with one, 2 flexible.</summary>
    public static int RequestHeaderVersion(ApiKey key, short version) =>
        key == ApiKey.ControlledShutdown && version == 0 ? 0 : version >= Get(key).FirstFlexibleVersion ? 2 : 1;

    /// <summary>0, or 1 with tags. ApiVersions always answers in 0: the client does not know yet what the broker speaks (KIP-511).</summary>
    public static int ResponseHeaderVersion(ApiKey key, short version) =>
        key != ApiKey.ApiVersions && version >= Get(key).FirstFlexibleVersion ? 1 : 0;

    private static ApiDescription?[] Index()
    {
        List<ApiDescription> described = [];
        DescribeApis(described);
        var byKey = new ApiDescription?[described.Count == 0 ? 0 : described.Max(api => (int)api.Key) + 1];
        foreach (ApiDescription api in described)
        {
            byKey[(int)api.Key] = api;
        }

        return byKey;
    }

    private static List<MessageSchema> ListSchemas()
    {
        List<MessageSchema> schemas = [];
        DescribeSchemas(schemas);
        return schemas;
    }

    /// <summary>Generated: adds one entry per API.</summary>
    static partial void DescribeApis(List<ApiDescription> apis);

    /// <summary>Generated: adds one entry per message.</summary>
    static partial void DescribeSchemas(List<MessageSchema> schemas);
}
