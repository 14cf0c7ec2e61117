namespace Broker.Cluster;

/// <summary>
/// Brokers whose process has ended before their session has (<see cref="IBrokerWatch"/>). The controller holds them for dead: as if the registration were gone, but that no
/// unclean election is held for them. They are back when they accept connections or register anew. The controller's own death is noticed by the brokers that follow it, and the first
/// of them takes the office. Why an error here loses nothing: docs/adr/0001-failover-before-the-session-ends.md.
/// </summary>
public sealed partial class ClusterController
{
    // The epoch of each broker's registration.
    private readonly Dictionary<int, long> _heldForDead = [];

    // Registrations that the office was taken from. Once each: two brokers that wrongly hold each other for dead would take it from each other for ever.
    private readonly HashSet<long> _deposed = [];

    // The other brokers that were registered when the controller looked last.
    private IReadOnlyList<BrokerImage> _registered = [];
    private Followed? _followed;

    /// <summary>The controller that is followed, and the node by which it has the office.</summary>
    private sealed record Followed(BrokerImage Broker, TreeNode Office);

    private async Task OnRefusalsChangedAsync()
    {
        if (_isActive)
        {
            await OnBrokersChangedAsync(null).ConfigureAwait(false);
        }
        else if (_followed is { } followed && _links!.Watch.Refuses(followed.Broker) && !_deposed.Contains(followed.Broker.Epoch))
        {
            ControllerLog.TakesOffice(_logger, followed.Broker.Id, followed.Broker.Epoch);
            if (await TryTakeOfficeAsync(followed.Office).ConfigureAwait(false))
            {
                _deposed.Add(followed.Broker.Epoch);
                await BeginOfficeAsync().ConfigureAwait(false);
            }
            else
            {
                // Another broker was faster.
                await SeekOfficeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Who is registered and not held for dead, and whose registration has ended since the last look: with it goes what was known of that run.</summary>
    private async Task<(IReadOnlyList<BrokerImage> Live, HashSet<int> Ended)> LoadLiveAsync(Action<WatchedEvent>? watch)
    {
        IReadOnlyList<BrokerImage> all = await LoadBrokersAsync(watch).ConfigureAwait(false);
        if (_links is null)
        {
            return (all, []);
        }

        BrokerImage[] others = [.. all.Where(b => b.Id != Self)];
        HashSet<int> ended = [.. _registered.Where(r => !Array.Exists(others, b => b.Id == r.Id && b.Epoch == r.Epoch)).Select(r => r.Id)];
        _leaving.ExceptWith(ended);
        foreach (int broker in ended)
        {
            _offline.Remove(broker);
        }

        _registered = others;
        _links.Watch.Watch(others);
        _heldForDead.Clear();
        foreach (BrokerImage broker in others.Where(_links.Watch.Refuses))
        {
            _heldForDead[broker.Id] = broker.Epoch;
        }

        return ([.. all.Where(b => !_heldForDead.ContainsKey(b.Id))], ended);
    }

    private async Task WatchControllerAsync(int controller, TreeNode office)
    {
        _followed = null;
        (_registered, BrokerImage[] watched) = ([], []);
        if (_links is null)
        {
            return;
        }

        // Whoever takes the office is registered before; without a registration the session is over, and the office with it.
        if (controller != Self && await TryGetAsync(_tree, ZnodePaths.Broker(controller)).ConfigureAwait(false) is { Data.Length: > 0 } node)
        {
            BrokerImage broker = BrokerZnode.Decode(controller, node);
            (_followed, watched) = (new Followed(broker, office), [broker]);
        }

        _links.Watch.Watch(watched);
        _refusalsChanged.Fire();
    }
}
