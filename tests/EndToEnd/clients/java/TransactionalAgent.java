// Does with transactions what it is told on standard input, a line each, and answers each with a line: "ok ..." or "error NAME".
//   TransactionalAgent BOOTSTRAP
// Compiles against kafka-clients 2.5 and later.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class TransactionalAgent {
    private static String bootstrap;
    private static final Map<String, KafkaProducer<String, String>> producers = new HashMap<>();

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = commands.readLine()) != null;) {
            try {
                System.out.println(("ok " + run(line.split(" "))).trim());
            } catch (KafkaException | ExecutionException e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                System.out.println("error " + e.getClass().getSimpleName() + " " + cause.getClass().getSimpleName() + " " + ("" + cause.getMessage()).replace('\n', ' '));
            }
            System.out.flush();
        }
    }

    private static String run(String[] words) throws Exception {
        KafkaProducer<String, String> producer = producers.get(words[1]);
        switch (words[0]) {
            case "start":
                producer = producer(words[2], words[3]);
                producers.put(words[1], producer);
                producer.initTransactions();
                return "";
            case "begin": producer.beginTransaction(); return "";
            case "send": send(producer, words[2], Integer.parseInt(words[3]), words[4]); return "";
            case "offset":
                producer.sendOffsetsToTransaction(Collections.singletonMap(new TopicPartition(words[3], 0), new OffsetAndMetadata(Long.parseLong(words[4]))), new ConsumerGroupMetadata(words[2]));
                return "";
            case "commit": producer.commitTransaction(); return "";
            case "abort": producer.abortTransaction(); return "";
            case "read": return String.join(",", read(words[1], words[2].equals("committed") ? "read_committed" : "read_uncommitted", words[3]));
            case "committed": return committed(words[1], new TopicPartition(words[2], 0));
            default: throw new IllegalArgumentException(words[0]);
        }
    }

    private static void send(KafkaProducer<String, String> producer, String topic, int partitions, String value) throws Exception {
        List<Future<?>> sent = new ArrayList<>();
        for (int p = 0; p < partitions; p++) sent.add(producer.send(new ProducerRecord<>(topic, p, null, value)));
        producer.flush();
        for (Future<?> f : sent) f.get();
    }

    private static List<String> read(String topic, String isolation, String last) {
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<String, String> consumer = consumer("reader", isolation)) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            while (values.isEmpty() || !values.get(values.size() - 1).equals(last)) consumer.poll(Duration.ofMillis(100)).forEach(r -> values.add(r.value()));
        }
        return values;
    }

    private static String committed(String group, TopicPartition partition) {
        try (KafkaConsumer<String, String> consumer = consumer(group, "read_committed")) {
            OffsetAndMetadata offset = consumer.committed(Collections.singleton(partition)).get(partition);
            return offset == null ? "none" : Long.toString(offset.offset());
        }
    }

    private static KafkaProducer<String, String> producer(String transactionalId, String timeoutMs) {
        Properties settings = new Properties();
        settings.putAll(Map.of("bootstrap.servers", bootstrap, "transactional.id", transactionalId, "transaction.timeout.ms", timeoutMs, "reconnect.backoff.max.ms", "200"));
        return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    }

    private static KafkaConsumer<String, String> consumer(String group, String isolation) {
        Properties settings = new Properties();
        settings.putAll(Map.of("bootstrap.servers", bootstrap, "group.id", group, "isolation.level", isolation, "auto.offset.reset", "earliest", "enable.auto.commit", "false"));
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }
}
