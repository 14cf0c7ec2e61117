namespace Broker.Cluster;

/// <summary><c>/log_dir_event_notification/log_dir_event_N</c>: a log directory of a broker has failed.</summary>
internal static class LogDirEventZnode
{
    private const int Failure = 1;

    public static byte[] Encode(int broker) => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 1);
        w.WriteNumber("broker", broker);
        w.WriteNumber("event", Failure);
    });

    public static int DecodeBroker(string path, byte[] data) => ZnodeJson.Read(path, data, e => e.Int("broker"));
}
