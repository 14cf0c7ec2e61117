namespace Broker.Server;

/// <summary>Waits in a chain, so that any of them leaves in one step. Under the lock of its wheel.</summary>
internal sealed class TimedWaitList
{
    public TimedWait? First { get; private set; }

    public void Add(TimedWait wait)
    {
        wait.List = this;
        wait.Next = First;
        if (First is not null)
        {
            First.Previous = wait;
        }

        First = wait;
    }

    public void Remove(TimedWait wait)
    {
        if (wait.Previous is null)
        {
            First = wait.Next;
        }
        else
        {
            wait.Previous.Next = wait.Next;
        }

        if (wait.Next is not null)
        {
            wait.Next.Previous = wait.Previous;
        }

        (wait.Previous, wait.Next, wait.List) = (null, null, null);
    }
}
