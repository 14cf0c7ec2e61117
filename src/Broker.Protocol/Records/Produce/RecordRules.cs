namespace Broker.Protocol.Records;

/// <summary>What each record of an append has to fulfil, and the list of those that do not. Allocates nothing while all do.</summary>
internal struct RecordRules
{
    /// <summary>More refused records than anyone reads; the list goes into the response.</summary>
    private const int MaxRefused = 100;
    private const long NoTimestamp = -1;

    private readonly bool _needsKey;
    private readonly bool _usesAppendTime;
    private readonly long _earliestMs;
    private readonly long _latestMs;
    private List<RefusedRecord>? _refused;
    private ErrorCode _firstError;
    private int _refusedCount;

    public RecordRules(in ProduceOptions options)
    {
        _needsKey = options.IsCompacted;
        _usesAppendTime = options.TimestampType == TimestampType.LogAppendTime;
        _earliestMs = options.NowMs - options.TimestampBeforeMaxMs;
        _latestMs = options.TimestampAfterMaxMs > long.MaxValue - options.NowMs ? long.MaxValue : options.NowMs + options.TimestampAfterMaxMs;
    }

    public readonly bool AnyRefused => _refusedCount > 0;

    public void Check(int index, bool hasKey, long timestamp, TimestampType timestampType)
    {
        if (_needsKey && !hasKey)
        {
            Refuse(index, ErrorCode.InvalidRecord, "Compacted topic cannot accept message without key");
        }
        else if (!_usesAppendTime && timestamp != NoTimestamp)
        {
            if (timestamp < _earliestMs || timestamp > _latestMs)
            {
                Refuse(index, ErrorCode.InvalidTimestamp, $"Timestamp {timestamp} is out of range: it should be within [{_earliestMs}, {_latestMs}]");
            }
        }
        else if (timestampType == TimestampType.LogAppendTime)
        {
            Refuse(index, ErrorCode.InvalidTimestamp, "A producer must not set the timestamp type to LogAppendTime");
        }
    }

    public void Refuse(int index, ErrorCode error, string message)
    {
        if (_refusedCount++ == 0)
        {
            _firstError = error;
        }

        _refused ??= [];
        if (_refused.Count < MaxRefused)
        {
            _refused.Add(new RefusedRecord(index, message));
        }
    }

    public readonly ProduceResult ToResult() => ProduceResult.Failed(
        _firstError, $"{_refusedCount} records have been refused; the first, record {_refused![0].Index}: {_refused[0].Message}", _refused);
}
