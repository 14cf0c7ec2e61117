namespace Broker.Cluster;

/// <summary>Taking the controller's office, and losing it.</summary>
public sealed partial class ClusterController
{
    private Action<WatchedEvent>? Shared(WatchTrigger trigger) => _links is null ? null : trigger.OnEvent;

    /// <summary>Looks who holds the office, takes it if nobody does, and does what follows from it.</summary>
    private async Task SeekOfficeAsync()
    {
        while (true)
        {
            if (await _tree.ExistsAsync(ZnodePaths.Controller, Shared(_office)).ConfigureAwait(false) is not null)
            {
                if (await TryGetAsync(_tree, ZnodePaths.Controller).ConfigureAwait(false) is not { } holder)
                {
                    continue;
                }

                bool isOurs = holder.Stat.EphemeralOwner == _tree.SessionId;
                if (isOurs && _isActive)
                {
                    return;
                }

                if (!isOurs && _earlierSession != 0 && holder.Stat.EphemeralOwner == _earlierSession)
                {
                    await RemoveEarlierOfficeAsync(holder).ConfigureAwait(false);
                    continue;
                }

                if (!isOurs)
                {
                    await FollowAsync(holder).ConfigureAwait(false);
                    return;
                }

                // Made by a multi whose answer was lost: the epoch is the one it wrote.
                TreeNode epoch = await _tree.GetAsync(ZnodePaths.ControllerEpoch).ConfigureAwait(false);
                (_epoch, _epochVersion) = (ControllerEpochZnode.Decode(epoch.Data), epoch.Stat.Version);
            }
            else
            {
                Resign();
                if (!await TryTakeOfficeAsync().ConfigureAwait(false))
                {
                    continue;
                }
            }

            await BeginOfficeAsync().ConfigureAwait(false);
            return;
        }
    }

    /// <summary>Held by a run of this broker that is over: nobody need wait for its session.</summary>
    private async Task RemoveEarlierOfficeAsync(TreeNode holder)
    {
        try
        {
            await _tree.DeleteAsync(ZnodePaths.Controller, holder.Stat.Version).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error is CoordinationError.NoNode or CoordinationError.BadVersion)
        {
            // The session expired this moment.
        }
    }

    /// <param name="deposed">The node of an office that is taken from its holder; null when there is none.</param>
    private async Task<bool> TryTakeOfficeAsync(TreeNode? deposed = null)
    {
        try
        {
            if (await _tree.ExistsAsync(ZnodePaths.ControllerEpoch).ConfigureAwait(false) is null)
            {
                await _tree.CreateAsync(ZnodePaths.ControllerEpoch, ControllerEpochZnode.Encode(0)).ConfigureAwait(false);
            }

            TreeNode epoch = await _tree.GetAsync(ZnodePaths.ControllerEpoch).ConfigureAwait(false);
            if (deposed is not null && (await TryGetAsync(_tree, ZnodePaths.Controller).ConfigureAwait(false))?.Stat.Czxid != deposed.Stat.Czxid)
            {
                return false;
            }

            // Every taking of the office changes the epoch's version: while that stands, the node is the one that was looked at or there is none.
            _epoch = ControllerEpochZnode.Decode(epoch.Data) + 1;
            IReadOnlyList<OperationResult> won = await _tree.MultiAsync(
            [
                .. deposed is null ? (TreeOperation[])[] : [TreeOperation.Delete(ZnodePaths.Controller, deposed.Stat.Version)],
                TreeOperation.Create(ZnodePaths.Controller, ControllerZnode.Encode(Self, NowMs()), CreateMode.Ephemeral),
                TreeOperation.Set(ZnodePaths.ControllerEpoch, ControllerEpochZnode.Encode(_epoch), epoch.Stat.Version),
            ]).ConfigureAwait(false);
            _epochVersion = won[^1].Stat!.Version;
            return true;
        }
        catch (CoordinationException e) when (e.IsOutcomeUnknown || e.Error is CoordinationError.NodeExists or CoordinationError.NoNode or CoordinationError.BadVersion)
        {
            // Another broker was faster, or the answer was lost: the next look tells.
            return false;
        }
    }

    private async Task BeginOfficeAsync()
    {
        _isActive = true;
        _knownEpoch = _epoch;
        _followed = null;
        if (await _tree.ExistsAsync(ZnodePaths.Feature).ConfigureAwait(false) is null)
        {
            await CommitAsync([TreeOperation.Create(ZnodePaths.Feature, FeatureZnode.Encode(_policy.FirstFeatureLevels))]).ConfigureAwait(false);
        }

        await LoadAsync().ConfigureAwait(false);
        BalanceSoon();
        _informed.TrySetResult();
    }

    /// <summary>Another broker is the controller. What the cluster looks like comes from it; until then there is only who is alive.</summary>
    private async Task FollowAsync(TreeNode office)
    {
        Resign();
        int controller = ControllerZnode.DecodeBrokerId(office.Data);
        MetadataImage image = Image;
        if (image.ClusterId.Length == 0)
        {
            image = image with
            {
                ClusterId = ClusterIdZnode.Decode((await _tree.GetAsync(ZnodePaths.ClusterId).ConfigureAwait(false)).Data),
                Brokers = await LoadBrokersAsync(null).ConfigureAwait(false),
                BrokerConfigs = await ReadBrokerConfigsAsync(_tree).ConfigureAwait(false),
            };
        }

        Swap(image with { ControllerId = controller });
        ControllerLog.Joined(_logger, Self, BrokerEpoch, controller);
        await WatchControllerAsync(controller, office).ConfigureAwait(false);
    }

    private void Resign()
    {
        if (!_isActive)
        {
            return;
        }

        _isActive = false;
        _deletions.Clear();
        ForgetReassignments();
        _leaving.Clear();
        _links?.Remote.SetLive([]);
        ControllerLog.Resigned(_logger, Self, _epoch);
    }
}
