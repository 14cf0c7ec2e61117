namespace Broker.Server.Tests;

/// <summary>Whoever uses the coordinators of the simulated partition, and remembers what it was told.</summary>
internal abstract class SimulatedUsers(Random random)
{
    protected Random Random => random;

    /// <summary>How many of them were told that what they wanted is done.</summary>
    public int Told { get; protected set; }

    public abstract SimulatedCoordinator Begin(SimulatedReplica replica, int leaderEpoch, TimeProvider time, Func<SimulatedReplica, SimulatedBatch, long?> append, BrokenRule broken);

    /// <summary>One request to a coordinator, or one thing that happens to it. What it says wrong, or null.</summary>
    public string? Act(SimulatedCoordinator coordinator)
    {
        if (!coordinator.IsLoaded)
        {
            coordinator.Load();
            return LookAtLoaded(coordinator);
        }

        switch (random.Next(12))
        {
            case 0:
                coordinator.TimeOut();
                break;
            case 1:
                coordinator.Advance();
                break;
            default:
                Ask(coordinator);
                break;
        }

        return null;
    }

    /// <summary>Answers that came meanwhile. What is wrong with them, or null.</summary>
    public abstract string? TakeAnswers();

    /// <summary>What a coordinator is about to do. What is wrong with it, or null.</summary>
    public virtual string? Look(SimulatedCoordinator coordinator) => null;

    protected abstract void Ask(SimulatedCoordinator coordinator);

    /// <summary>What a coordinator that has just loaded must know.</summary>
    protected virtual string? LookAtLoaded(SimulatedCoordinator coordinator) => null;
}
