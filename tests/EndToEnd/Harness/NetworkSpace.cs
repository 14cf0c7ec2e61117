namespace Broker.EndToEnd;

/// <summary>A network namespace of Linux with one address, on a <see cref="TestNetwork"/>.</summary>
/// <param name="Name">For <c>ip netns exec</c>.</param>
/// <param name="Port">Where its cable ends at the bridge.</param>
/// <param name="Address">Its address.</param>
internal sealed record NetworkSpace(string Name, string Port, string Address);
