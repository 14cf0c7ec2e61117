using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Metrics.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<IReadOnlyList<string>> MetricReporters = List(
        "metric.reporters", "", Any, Low, ClusterWide,
        "Java classes that report metrics.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<IReadOnlyList<string>> KafkaMetricsReporters = List(
        "kafka.metrics.reporters", "", Any, Low, ReadOnly,
        "Java classes that report the older metrics.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<int> KafkaMetricsPollingIntervalSecs = Int(
        "kafka.metrics.polling.interval.secs", 10, AtLeast(1), Low, ReadOnly,
        "Time between their readings, in s.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<bool> AutoIncludeJmxReporter = Bool(
        "auto.include.jmx.reporter", true, Low, ReadOnly,
        "Report metrics by JMX.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<int> MetricsNumSamples = Int(
        "metrics.num.samples", 2, AtLeast(1), Low, ReadOnly,
        "Samples kept per metric.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<long> MetricsSampleWindowMs = Long(
        "metrics.sample.window.ms", 30000, AtLeast(1), Low, ReadOnly,
        "Length of a sample, in ms.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string> MetricsRecordingLevel = Text(
        "metrics.recording.level", "INFO", Any, Low, ReadOnly,
        "Detail of the metrics recorded.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<int> TelemetryMaxBytes = Int(
        "telemetry.max.bytes", 1048576, AtLeast(1), Low, ReadOnly,
        "Largest metrics push of a client, in bytes.",
        unsupported: NotYet.Telemetry);
}
