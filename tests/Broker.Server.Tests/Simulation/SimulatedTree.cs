using Broker.Cluster;

namespace Broker.Server.Tests;

/// <summary>What the coordination tree holds of the partition, its controller and its brokers: every write has a number, and states are written on the version that was read.</summary>
internal sealed class SimulatedTree(PartitionImage first)
{
    private long _zxid;

    public PartitionImage State { get; private set; } = first;

    /// <summary>Number of the write that made <see cref="State"/>: a broker with a later registration was away.</summary>
    public long StateZxid { get; private set; }

    public int ControllerEpoch { get; private set; }

    /// <summary>The replicas that left are deleted: only the topic's node is written.</summary>
    public bool TryForgetLeft(int controllerEpoch)
    {
        if (controllerEpoch != ControllerEpoch)
        {
            return false;
        }

        State = State with { Removing = [] };
        return true;
    }

    /// <summary>The epoch of a registration that begins now.</summary>
    public long Register() => ++_zxid;

    public int TakeOffice() => ++ControllerEpoch;

    public bool HasOffice(int controllerEpoch) => controllerEpoch == ControllerEpoch;

    /// <summary>False when another controller has the office, or the state is not the one that was read.</summary>
    public bool TryWrite(int controllerEpoch, PartitionImage next, int version, bool isChecked)
    {
        if (isChecked && (!HasOffice(controllerEpoch) || version != State.PartitionEpoch))
        {
            return false;
        }

        State = next;
        StateZxid = ++_zxid;
        return true;
    }
}
