using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Quotas.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<int> QuotaWindowNum = Int(
        "quota.window.num", 11, AtLeast(1), Low, ReadOnly,
        "Windows over which a client's rate is measured.",
        unsupported: NotYet.Quotas);

    public static readonly ConfigKey<int> QuotaWindowSizeSeconds = Int(
        "quota.window.size.seconds", 1, AtLeast(1), Low, ReadOnly,
        "Length of such a window, in s.",
        unsupported: NotYet.Quotas);

    public static readonly ConfigKey<int> ReplicationQuotaWindowNum = Int(
        "replication.quota.window.num", 11, AtLeast(1), Low, ReadOnly,
        "Windows over which the replication rate is measured.");

    public static readonly ConfigKey<int> ReplicationQuotaWindowSizeSeconds = Int(
        "replication.quota.window.size.seconds", 1, AtLeast(1), Low, ReadOnly,
        "Length of such a window, in s.");

    public static readonly ConfigKey<int> AlterLogDirsReplicationQuotaWindowNum = Int(
        "alter.log.dirs.replication.quota.window.num", 11, AtLeast(1), Low, ReadOnly,
        "Windows over which the rate of moves between directories is measured.");

    public static readonly ConfigKey<int> AlterLogDirsReplicationQuotaWindowSizeSeconds = Int(
        "alter.log.dirs.replication.quota.window.size.seconds", 1, AtLeast(1), Low, ReadOnly,
        "Length of such a window, in s.");

    public static readonly ConfigKey<int> ControllerQuotaWindowNum = Int(
        "controller.quota.window.num", 11, AtLeast(1), Low, ReadOnly,
        "Windows over which the rate of topic changes is measured.",
        unsupported: NotYet.Quotas);

    public static readonly ConfigKey<int> ControllerQuotaWindowSizeSeconds = Int(
        "controller.quota.window.size.seconds", 1, AtLeast(1), Low, ReadOnly,
        "Length of such a window, in s.",
        unsupported: NotYet.Quotas);

    public static readonly ConfigKey<string?> ClientQuotaCallbackClass = Class(
        "client.quota.callback.class", null, Low, ReadOnly,
        "Java class that decides on quotas.",
        unsupported: NotYet.JavaOnly);
}
