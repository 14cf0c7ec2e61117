namespace Broker.Configuration;

/// <summary>Which error a refused change is answered with.</summary>
public enum ConfigProblemKind
{
    /// <summary>A value or a combination of values (see <see cref="ConfigProblem"/>).</summary>
    Value,

    /// <summary>INVALID_CONFIG.</summary>
    Config,

    /// <summary>INVALID_REQUEST.</summary>
    Request,
}
