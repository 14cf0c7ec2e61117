namespace Broker.Storage;

/// <summary>An entry of the transaction index.</summary>
/// <param name="ProducerId">Whose transaction.</param>
/// <param name="FirstOffset">Of its first record in this partition.</param>
/// <param name="LastOffset">Of its ABORT marker.</param>
/// <param name="LastStableOffset">Last stable offset right after the marker.</param>
public readonly record struct AbortedTransaction(long ProducerId, long FirstOffset, long LastOffset, long LastStableOffset);
