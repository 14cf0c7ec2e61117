using System.Net;
using Microsoft.Extensions.Logging;

namespace Broker.Network;

/// <summary>Logs refused connections, one line per interval at most: a client that reconnects in a loop must not fill the disk. Thread-safe.</summary>
internal sealed class RefusalLog
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private long _lastLine;
    private bool _hasLine;
    private long _suppressed;
    private long _total;

    public RefusalLog(TimeProvider time, ILogger log)
    {
        _time = time;
        _log = log;
    }

    public long Total => Volatile.Read(ref _total);

    public void Add(IPEndPoint remote, string listener, string reason)
    {
        long suppressed;
        lock (_lock)
        {
            _total++;
            if (_hasLine && _time.GetElapsedTime(_lastLine) < Interval)
            {
                _suppressed++;
                return;
            }

            _hasLine = true;
            _lastLine = _time.GetTimestamp();
            suppressed = _suppressed;
            _suppressed = 0;
        }

        NetworkLog.Refused(_log, remote, listener, reason, suppressed);
    }
}
