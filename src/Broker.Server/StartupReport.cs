namespace Broker.Server;

/// <summary>What start-up found, for the summary that the host prints.</summary>
public sealed record StartupReport(int BrokerId, string ClusterId, IReadOnlyList<ListenerReport> Listeners, IReadOnlyList<string> DataDirectories);

/// <summary>A listener as it really is: the address and port that were bound (never 0) and what Metadata tells clients who came in by it.</summary>
public sealed record ListenerReport(string Name, string BoundHost, int BoundPort, string AdvertisedHost, int AdvertisedPort);
