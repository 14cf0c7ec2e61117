namespace Broker.Configuration;

/// <summary>Whose rules turn environment variables into keys.</summary>
public enum ImageStyle
{
    /// <summary>apache/kafka and confluentinc/cp-kafka: KAFKA_X_Y is x.y, two underscores one, three a dash.</summary>
    Kafka,

    /// <summary>wurstmeister/kafka: every underscore is a dot; commands fill in host, port, rack and id.</summary>
    Wurstmeister,

    /// <summary>bitnami/kafka: only KAFKA_CFG_X, and a list of older names.</summary>
    Bitnami,
}
