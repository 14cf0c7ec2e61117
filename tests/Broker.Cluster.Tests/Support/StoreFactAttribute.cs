using Xunit.Abstractions;
using Xunit.Sdk;

namespace Broker.Cluster.Tests;

/// <summary>Says what a store's tests need; they are skipped, visibly, without it.</summary>
[AttributeUsage(AttributeTargets.Class)]
public abstract class StoreRequirementAttribute : Attribute
{
    /// <summary>Null when it is there.</summary>
    public abstract string? Missing { get; }

    internal static string? MissingFor(ITestMethod method) =>
        method.TestClass.Class.ToRuntimeType().GetCustomAttributes(inherit: true).OfType<StoreRequirementAttribute>().FirstOrDefault()?.Missing;
}

/// <summary>A test of the contract of stores.</summary>
[XunitTestCaseDiscoverer("Broker.Cluster.Tests.StoreFactDiscoverer", "Broker.Cluster.Tests")]
public sealed class StoreFactAttribute : FactAttribute;

/// <summary>The same with data.</summary>
[XunitTestCaseDiscoverer("Broker.Cluster.Tests.StoreTheoryDiscoverer", "Broker.Cluster.Tests")]
public sealed class StoreTheoryAttribute : TheoryAttribute;

public sealed class StoreFactDiscoverer(IMessageSink messages) : FactDiscoverer(messages)
{
    public override IEnumerable<IXunitTestCase> Discover(ITestFrameworkDiscoveryOptions options, ITestMethod method, IAttributeInfo fact) =>
        StoreRequirementAttribute.MissingFor(method) is { } missing
            ? [new XunitSkippedDataRowTestCase(DiagnosticMessageSink, options.MethodDisplayOrDefault(), options.MethodDisplayOptionsOrDefault(), method, missing)]
            : base.Discover(options, method, fact);
}

public sealed class StoreTheoryDiscoverer(IMessageSink messages) : TheoryDiscoverer(messages)
{
    public override IEnumerable<IXunitTestCase> Discover(ITestFrameworkDiscoveryOptions options, ITestMethod method, IAttributeInfo theory) =>
        StoreRequirementAttribute.MissingFor(method) is { } missing ? CreateTestCasesForSkip(options, method, theory, missing) : base.Discover(options, method, theory);
}
