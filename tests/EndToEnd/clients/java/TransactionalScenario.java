// Goes through what applications do with transactions and prints what came of it, for a test to compare.
//   TransactionalScenario BOOTSTRAP PREFIX
// Needs the topics PREFIX-in, with ten records, and PREFIX-out, empty, of one partition each. Compiles against kafka-clients 2.5 and later.
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class TransactionalScenario {
    private final String bootstrap;
    private final String prefix;
    private final TopicPartition in;
    private final TopicPartition out;

    private TransactionalScenario(String bootstrap, String prefix) {
        this.bootstrap = bootstrap;
        this.prefix = prefix;
        in = new TopicPartition(prefix + "-in", 0);
        out = new TopicPartition(prefix + "-out", 0);
    }

    public static void main(String[] args) throws Exception {
        new TransactionalScenario(args[0], args[1]).run();
    }

    private void run() throws Exception {
        try (KafkaProducer<String, String> producer = producer(); KafkaConsumer<String, String> consumer = consumer(prefix + "-group", "read_committed")) {
            producer.initTransactions();
            producer.beginTransaction();
            send(producer, "committed", 5);
            producer.commitTransaction();
            producer.beginTransaction();
            send(producer, "aborted", 5);
            producer.flush(); // an abort drops what has not left yet
            producer.abortTransaction();

            consumer.assign(List.of(in));
            copy(producer, consumer);
            producer.abortTransaction();
            System.out.println("offset after abort " + committed(consumer));
            consumer.seekToBeginning(List.of(in));
            copy(producer, consumer);
            producer.commitTransaction();
            System.out.println("offset after commit " + committed(consumer));
            fence(producer);
        }
        for (String value : read("read_committed")) System.out.println("read_committed " + value);
        System.out.println("read_uncommitted " + read("read_uncommitted").size());
    }

    /// Begins a transaction that copies the first records and sends the offset behind them.
    private void copy(KafkaProducer<String, String> producer, KafkaConsumer<String, String> consumer) {
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        while (records.size() < 5) consumer.poll(Duration.ofMillis(100)).forEach(records::add);
        producer.beginTransaction();
        for (ConsumerRecord<String, String> record : records.subList(0, 5)) producer.send(new ProducerRecord<>(out.topic(), "copied " + record.value()));
        producer.sendOffsetsToTransaction(Collections.singletonMap(in, new OffsetAndMetadata(5)), consumer.groupMetadata());
        producer.flush();
    }

    private void fence(KafkaProducer<String, String> zombie) throws Exception {
        zombie.beginTransaction();
        send(zombie, "of the zombie", 1);
        zombie.flush();
        try (KafkaProducer<String, String> successor = producer()) {
            successor.initTransactions();
            successor.beginTransaction();
            send(successor, "of the successor", 1);
            try {
                zombie.commitTransaction();
                System.out.println("not fenced");
            } catch (ProducerFencedException | InvalidProducerEpochException e) {
                System.out.println("fenced");
            } catch (KafkaException e) {
                System.out.println("refused by " + e);
            }
            successor.commitTransaction();
        }
    }

    private void send(KafkaProducer<String, String> producer, String name, int count) {
        for (int i = 0; i < count; i++) producer.send(new ProducerRecord<>(out.topic(), name + " " + i));
    }

    private String committed(KafkaConsumer<String, String> consumer) {
        OffsetAndMetadata offset = consumer.committed(Collections.singleton(in)).get(in);
        return offset == null ? "none" : Long.toString(offset.offset());
    }

    /// All records up to where the isolation level ends.
    private List<String> read(String isolation) {
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = consumer(prefix + "-" + isolation, isolation)) {
            consumer.assign(List.of(out));
            consumer.seekToBeginning(List.of(out));
            while (values.isEmpty() || !values.get(values.size() - 1).startsWith("of the successor")) {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> values.add(record.value()));
            }
        }
        return values;
    }

    private KafkaProducer<String, String> producer() {
        Properties settings = new Properties();
        settings.putAll(Map.of("bootstrap.servers", bootstrap, "transactional.id", prefix + "-id"));
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    private KafkaConsumer<String, String> consumer(String group, String isolation) {
        Properties settings = new Properties();
        settings.putAll(Map.of("bootstrap.servers", bootstrap, "group.id", group, "isolation.level", isolation, "auto.offset.reset", "earliest", "enable.auto.commit", "false"));
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }
}
