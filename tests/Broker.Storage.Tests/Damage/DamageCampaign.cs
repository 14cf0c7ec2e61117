namespace Broker.Storage.Tests;

/// <summary>Damages one file of a log directory at random, again and again.</summary>
internal sealed class DamageCampaign(Omission omits = Omission.None)
{
    private const int PointsPerWorld = 1500;
    private const int MaxFailures = 20;

    private readonly List<string> _failures = [];

    public int Points { get; private set; }

    /// <summary>How often a wrong base offset went unnoticed where nothing can know it.</summary>
    public int Unprotected { get; private set; }

    public SortedDictionary<string, int> Outcomes { get; } = new(StringComparer.Ordinal);

    /// <summary>Seeds from <paramref name="firstSeed"/> on until that many points were tried, or failures enough to see what they share. Each names its seed and the damage.</summary>
    public void Run(int firstSeed, int points)
    {
        for (int seed = firstSeed; Points < points && _failures.Count < MaxFailures; seed++)
        {
            RunWorld(seed, Math.Min(PointsPerWorld, points - Points));
        }

        if (_failures.Count > 0)
        {
            throw new InvalidOperationException(string.Join('\n', _failures));
        }
    }

    private void RunWorld(int seed, int points)
    {
        List<DamageImage> images = new DamageWorld(seed).Build();
        for (int i = 0; i < points && _failures.Count < MaxFailures; i++)
        {
            // Each point can be replayed without those before it.
            int pointSeed = unchecked((seed * 100_003) + i);
            Try(images, seed, pointSeed);
            Points++;
        }
    }

    private static string FirstFrames(Exception e) => string.Join('\n', (e.StackTrace ?? "").Split('\n').Where(l => l.Contains("Broker.", StringComparison.Ordinal)).Take(6));

    private void Try(List<DamageImage> images, int seed, int pointSeed)
    {
        Random random = new(pointSeed);
        DamagePoint point = DamagePoint.Choose(images[random.Next(images.Count)], random);
        try
        {
            DamageCheck check = new(point, omits);
            check.Run(random);
            Unprotected += check.IsUnprotected ? 1 : 0;
            string outcome = $"{point.FileKind}: {check.Outcome}";
            Outcomes[outcome] = Outcomes.GetValueOrDefault(outcome) + 1;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // All of them are told together.
            _failures.Add($"Damage campaign, seed {seed} (replay: BROKER_DAMAGE_SEED={seed}), point {pointSeed}: {point}: {e.GetType().Name}: {e.Message}\n{FirstFrames(e)}");
        }
    }
}
