namespace Broker.Cluster;

/// <summary>Registration of this broker, and the end and new beginning of its session.</summary>
public sealed partial class ClusterController
{
    private static readonly TimeSpan JoinPause = TimeSpan.FromSeconds(1);

    private async Task JoinAsync()
    {
        await EnsurePathsAsync(_tree, ZnodePaths.Persistent).ConfigureAwait(false);
        await CheckEndpointsAsync().ConfigureAwait(false);
        await RegisterAsync().ConfigureAwait(false);
        await HearOfControllersAsync().ConfigureAwait(false);
        if (_links is not null)
        {
            _tree.ConnectionChanged += OnConnectionChanged;
            await SkipConfigChangesAsync().ConfigureAwait(false);
        }

        await SeekOfficeAsync().ConfigureAwait(false);
        if (_links is not null)
        {
            await OnFeaturesChangedAsync(_featuresChanged.OnEvent).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// A controller whose office was taken before this broker registered may not have noticed, and tell the newcomer what was true then: as a follower of an old leader it would
    /// cut off what was committed since. A broker that has just started has not heard of the new one, but the tree has.
    /// </summary>
    private async Task HearOfControllersAsync()
    {
        if (await TryGetAsync(_tree, ZnodePaths.ControllerEpoch).ConfigureAwait(false) is { } epoch)
        {
            _knownEpoch = Math.Max(_knownEpoch, ControllerEpochZnode.Decode(epoch.Data));
        }
    }

    /// <summary>Two brokers that tell clients the same address would answer for each other.</summary>
    private async Task CheckEndpointsAsync()
    {
        HashSet<string> own = Addresses(_registration.Endpoints);
        foreach (BrokerImage other in _links is null ? [] : await LoadBrokersAsync(null).ConfigureAwait(false))
        {
            string[] common = [.. Addresses(other.Endpoints).Where(own.Contains)];
            if (other.Id != Self && common.Length > 0)
            {
                throw new InvalidOperationException(
                    $"requirement failed: Configured end points {string.Join(",", common)} in advertised listeners are already registered by broker {other.Id}. "
                    + "Give every broker its own address in advertised.listeners, or, if that broker was renamed to this one, wait until its session has expired");
            }
        }
    }

    // Of an earlier run of this broker, if its registration was found: whatever else it holds is nobody's.
    private long _earlierSession;

    private async Task RegisterAsync()
    {
        byte[] data = BrokerZnode.Encode(_registration.Endpoints, _registration.Rack, NowMs());
        string path = ZnodePaths.Broker(Self);
        bool mayBeOurs = false;
        while (true)
        {
            try
            {
                // Set as well: only that tells the czxid, see OperationResult.
                IReadOnlyList<OperationResult> made = await _tree.MultiAsync([TreeOperation.Create(path, default, CreateMode.Ephemeral), TreeOperation.Set(path, data, 0)]).ConfigureAwait(false);
                Volatile.Write(ref _brokerEpoch, made[1].Stat!.Czxid);
                return;
            }
            catch (CoordinationException e) when (e.Error == CoordinationError.NodeExists)
            {
                if (await TryGetAsync(_tree, path).ConfigureAwait(false) is not { } holder)
                {
                    continue;
                }

                if (mayBeOurs && holder.Stat.EphemeralOwner == _tree.SessionId)
                {
                    // The connection was lost before the answer came.
                    Volatile.Write(ref _brokerEpoch, holder.Stat.Czxid);
                    return;
                }

                if (_links is null || !await RemoveLeftoverAsync(path, holder).ConfigureAwait(false))
                {
                    throw new InvalidOperationException(
                        $"Broker id {Self} is registered already: another broker runs with this id, or the session of this one's last run has not expired yet. "
                        + "Give every broker its own broker.id, or start again when the session has expired",
                        e);
                }
            }
            catch (CoordinationException e) when (e.IsOutcomeUnknown)
            {
                // Asked again: whoever holds the node then says what became of it.
                mayBeOurs = true;
            }
        }
    }

    /// <summary>
    /// Whoever registered this id at this broker's own addresses was an earlier run: this one has bound them now. Any other holder may be a broker that lives;
    /// it is given the time after which a dead one's session is over. False when it is still there.
    /// </summary>
    private async Task<bool> RemoveLeftoverAsync(string path, TreeNode holder)
    {
        HashSet<string> addresses = holder.Data.Length == 0 ? [] : Addresses(BrokerZnode.Decode(Self, holder).Endpoints);
        if (addresses.SetEquals(Addresses(_registration.Endpoints)))
        {
            try
            {
                await _tree.DeleteAsync(path, holder.Stat.Version).ConfigureAwait(false);
                _earlierSession = holder.Stat.EphemeralOwner;
                ControllerLog.TookOver(_logger, Self, holder.Stat.EphemeralOwner);
            }
            catch (CoordinationException e) when (e.Error is CoordinationError.NoNode or CoordinationError.BadVersion)
            {
                // It expired this moment, or somebody else registers: the next look tells.
            }

            return true;
        }

        ControllerLog.WaitsForRegistration(_logger, Self, holder.Stat.EphemeralOwner, string.Join(", ", addresses), _links!.RegistrationPatience.TotalSeconds);
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (await _tree.ExistsAsync(path, _ => gone.TrySetResult()).ConfigureAwait(false) is null)
        {
            return true;
        }

        return await Task.WhenAny(gone.Task, Task.Delay(_links.RegistrationPatience, _time, _stopping.Token)).ConfigureAwait(false) == gone.Task;
    }

    private void OnConnectionChanged(TreeConnection connection)
    {
        if (connection == TreeConnection.Expired)
        {
            TryEnqueue(JoinAgainAsync);
        }
    }

    /// <summary>The session is over: others hold this broker for dead. It joins as one that came back, with all watches new.</summary>
    private async Task JoinAgainAsync()
    {
        ControllerLog.SessionExpired(_logger);
        Resign();
        ICoordinationTree old = _tree;
        old.ConnectionChanged -= OnConnectionChanged;
        await old.DisposeAsync().ConfigureAwait(false);
        while (true)
        {
            _tree = await _links!.OpenTree(_stopping.Token).ConfigureAwait(false);
            try
            {
                await JoinAsync().ConfigureAwait(false);
                await RefreshConfigsAsync().ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (e is CoordinationException or InvalidOperationException && !_stopping.IsCancellationRequested)
            {
                // The new session broke off as well, or somebody else has the id: without a place in the cluster there is nothing to do but to try again.
                OnFailure(e);
                _tree.ConnectionChanged -= OnConnectionChanged;
                await _tree.DisposeAsync().ConfigureAwait(false);
                await Task.Delay(JoinPause, _time, _stopping.Token).ConfigureAwait(false);
            }
        }
    }

    private static HashSet<string> Addresses(IReadOnlyDictionary<string, EndpointImage> endpoints) =>
        [.. endpoints.Values.Select(e => $"{e.Host}:{e.Port}")];
}
