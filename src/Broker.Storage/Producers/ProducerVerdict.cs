using Broker.Protocol;

namespace Broker.Storage;

/// <summary>May this batch of an idempotent or transactional producer be appended?</summary>
internal readonly record struct ProducerVerdict(ErrorCode Error, string? Message, bool IsDuplicate, SequenceRange Duplicate)
{
    public static ProducerVerdict Accepted => default;

    public static ProducerVerdict Refused(ErrorCode error, string message) => new(error, message, false, default);
}
