namespace Broker.Server.Tests;

/// <summary>What the simulated partition is for.</summary>
internal enum UsersOf
{
    Nothing,
    Groups,
    Transactions,
}
