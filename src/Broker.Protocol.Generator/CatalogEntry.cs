namespace Broker.Protocol.Generator;

/// <summary>What the catalogue says of one schema. Equal as long as only fields or texts of the schema change, so that the catalogue stays as it is.</summary>
internal sealed class CatalogEntry : IEquatable<CatalogEntry>
{
    public CatalogEntry(Schema schema)
    {
        Name = schema.Name;
        Key = schema.Key;
        Versions = schema.Versions;
        Flexible = schema.Flexible;
    }

    public string Name { get; }

    /// <summary>-1 for data records.</summary>
    public int Key { get; }

    public VersionRange Versions { get; }

    public VersionRange Flexible { get; }

    public bool Equals(CatalogEntry? other) =>
        other != null && Name == other.Name && Key == other.Key && Versions.Equals(other.Versions) && Flexible.Equals(other.Flexible);

    public override bool Equals(object? obj) => Equals(obj as CatalogEntry);

    public override int GetHashCode() => Name.GetHashCode();
}
