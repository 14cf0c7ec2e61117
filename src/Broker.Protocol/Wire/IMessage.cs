namespace Broker.Protocol;

/// <summary>A request, response or record body that can be written in every version of its schema.</summary>
public interface IMessage
{
    /// <summary>Bytes the body takes in <paramref name="version"/>, ranges of files included.</summary>
    int Size(short version);

    /// <summary>The part of <see cref="Size"/> that stays in files and never enters the buffer.</summary>
    int FileBytes => 0;

    /// <summary>Writes exactly <see cref="Size"/> minus <see cref="FileBytes"/> bytes.</summary>
    void Write(WireWriter writer, short version);
}

/// <summary>A type that the generator can decode: every message and every struct inside one.</summary>
public interface IWireReadable<TSelf>
{
    /// <exception cref="ProtocolException">The bytes do not follow the schema.</exception>
    static abstract TSelf Read(ref WireReader reader, short version);
}
