namespace Broker.Protocol.Tests;

/// <summary>Lists where a schema differs from Kafka's definition in one version. Names of structs may differ, they are not on the wire.</summary>
internal sealed class SchemaComparison(short version)
{
    public List<string> Differences { get; } = [];

    public static List<string> Compare(MessageSchema ours, KafkaMessage theirs, short version)
    {
        var comparison = new SchemaComparison(version);
        comparison.Check($"{ours.Name} v{version}", "flexible", ours.Flexible.Contains(version), theirs.Flexible.Contains(version));
        comparison.Fields($"{ours.Name} v{version}", ours.Fields, theirs.Fields);
        return comparison.Differences;
    }

    private void Fields(string path, IReadOnlyList<FieldSchema> ours, IReadOnlyList<KafkaField> theirs)
    {
        // Tagged fields are found by number, so only the order of the others matters.
        List<FieldSchema> mine = [.. ours.Where(f => f.Versions.Contains(version)).OrderBy(f => f.Tagged.Contains(version) ? f.Tag : -1)];
        List<KafkaField> kafkas = [.. theirs.Where(f => f.Versions.Contains(version)).OrderBy(f => f.Tagged.Contains(version) ? f.Tag : -1)];
        string[] myNames = [.. mine.Select(f => f.Name)];
        string[] kafkasNames = [.. kafkas.Select(f => f.Name)];
        if (!myNames.SequenceEqual(kafkasNames))
        {
            Differences.Add($"{path}: fields are [{string.Join(' ', myNames)}] instead of [{string.Join(' ', kafkasNames)}]");
            return;
        }

        foreach ((FieldSchema mineOne, KafkaField kafkasOne) in mine.Zip(kafkas))
        {
            Field($"{path} {mineOne.Name}", mineOne, kafkasOne);
        }
    }

    private void Field(string path, FieldSchema ours, KafkaField theirs)
    {
        bool isTagged = theirs.Tagged.Contains(version);
        Check(path, "type", ours.Type == WireType.Error ? WireType.Int16 : ours.Type, theirs.Type);
        Check(path, "array", ours.IsArray, theirs.IsArray);
        Check(path, "never flexible", ours.IsNeverFlexible, theirs.IsNeverFlexible);
        Check(path, "nullable", ours.Nullable.Contains(version), theirs.Nullable.Contains(version));
        Check(path, "tagged", ours.Tagged.Contains(version), isTagged);
        Check(path, "tag", isTagged ? ours.Tag : -1, isTagged ? theirs.Tag : -1);
        Check(path, "default", KafkaDefinitions.Normal(ours.Type, ours.IsArray, ours.Default), theirs.Default);
        Fields(path, ours.Children, theirs.Children);
    }

    private void Check<T>(string path, string what, T ours, T theirs)
    {
        if (!EqualityComparer<T>.Default.Equals(ours, theirs))
        {
            Differences.Add($"{path}: {what} is {ours} instead of {theirs}");
        }
    }
}
