namespace Broker.Storage;

/// <summary>A pass ends early because the log was truncated, deleted or is no longer compacted, or because the broker stops. What it has finished stays.</summary>
internal sealed class CleaningAbortedException(string reason) : Exception(reason);
