namespace Broker.ZooKeeper;

/// <summary>Turns the body of an answer into the result; <paramref name="error"/> is Ok, or one that the request takes as an answer.</summary>
internal delegate T ReplyDecoder<out T>(ZooKeeperError error, ref JuteReader body, string path);

internal sealed class PendingRequest<T>(OpCode op, string path, bool isRepeatable, ArraySegment<byte> frame, ReplyDecoder<T> decode) : PendingRequest(op, path, isRepeatable, frame)
{
    private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Result => _result.Task;

    public override void Complete(ZooKeeperError error, ref JuteReader body)
    {
        bool isAnswer = error == ZooKeeperError.Ok || (Op == OpCode.Exists && error == ZooKeeperError.NoNode) || (Op == OpCode.Multi && body.Remaining > 0);
        if (!isAnswer)
        {
            _result.TrySetException(ZooKeeperRequestException.Of(error, Path));
            return;
        }

        try
        {
            _result.TrySetResult(decode(error, ref body, Path));
        }
        catch (ZooKeeperRequestException refusal)
        {
            _result.TrySetException(refusal);
        }
        catch (ZooKeeperProtocolException failure)
        {
            _result.TrySetException(new ZooKeeperProtocolException(failure.Message, failure) { IsOutcomeUnknown = !IsRepeatable });
            throw;
        }
    }

    public override void Fail(Exception failure) => _result.TrySetException(failure);
}
