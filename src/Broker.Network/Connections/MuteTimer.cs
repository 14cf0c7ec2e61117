namespace Broker.Network;

/// <summary>Until when a throttled connection takes no frame. Makes a timer only for connections that are throttled. Thread-safe.</summary>
internal sealed class MuteTimer : IDisposable
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Action _onElapsed;
    private ITimer? _timer;
    private long _until;
    private bool _isMuted;
    private bool _isDisposed;

    public MuteTimer(TimeProvider time, Action onElapsed)
    {
        _time = time;
        _onElapsed = onElapsed;
    }

    public bool IsMuted => Volatile.Read(ref _isMuted);

    /// <summary>Mutes from now on; of several times the one that ends last counts.</summary>
    public void Mute(int throttleMs)
    {
        lock (_lock)
        {
            long until = _time.GetTimestamp() + (long)(throttleMs / 1000.0 * _time.TimestampFrequency);
            if (_isDisposed || (_isMuted && until <= _until))
            {
                return;
            }

            _until = until;
            Volatile.Write(ref _isMuted, true);
            _timer ??= _time.CreateTimer(static state => ((MuteTimer)state!).OnTick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(TimeSpan.FromMilliseconds(throttleMs), Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer?.Dispose();
        }
    }

    private void OnTick()
    {
        lock (_lock)
        {
            TimeSpan left = _time.GetElapsedTime(_time.GetTimestamp(), _until);
            if (left > TimeSpan.Zero && !_isDisposed)
            {
                // A tick of an earlier, shorter time.
                _timer!.Change(left, Timeout.InfiniteTimeSpan);
                return;
            }

            Volatile.Write(ref _isMuted, false);
        }

        _onElapsed();
    }
}
