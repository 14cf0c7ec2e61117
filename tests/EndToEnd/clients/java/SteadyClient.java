// Writes to every partition of a topic and reads it in a group, as fast as the brokers take it up to 1,000 records a second, with the clients' default settings but for acks and offsets.
//   SteadyClient BOOTSTRAP TOPIC PARTITIONS
// Each line on standard input is answered by "N MS": records acknowledged so far, and the longest time between two acknowledgements of one partition since the last line.
// An error that reaches the application is a line "error ..." at once. The end of the input ends it, with "read N" when all that was acknowledged has been read.
// Compiles against kafka-clients 2.5 and later.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Collections;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class SteadyClient {
    private static final AtomicLong acknowledged = new AtomicLong();
    private static final AtomicLong read = new AtomicLong();
    private static volatile boolean ending;
    private static volatile boolean allSent;
    private static long[] last;
    private static long longest;

    public static void main(String[] args) throws Exception {
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        last = new long[partitions];
        Thread producing = new Thread(() -> produce(args[0], topic, partitions));
        Thread consuming = new Thread(() -> consume(args[0], topic));
        producing.start();
        consuming.start();
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
        while (commands.readLine() != null) {
            say(acknowledged.get() + " " + takeLongest());
        }
        ending = true;
        producing.join();
        consuming.join();
        say("read " + read.get());
    }

    private static void produce(String bootstrap, String topic, int partitions) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("acks", "all");
        p.put("enable.idempotence", "true");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(p, new StringSerializer(), new StringSerializer())) {
            for (long i = 0; !ending; i++) {
                int partition = (int) (i % partitions);
                producer.send(new ProducerRecord<>(topic, partition, null, Long.toString(i)), (metadata, e) -> report(partition, e));
                Thread.sleep(1);
            }
        } catch (KafkaException | InterruptedException e) {
            say("error producing: " + e);
        }
        allSent = true;
    }

    private static synchronized void report(int partition, Exception e) {
        if (e != null) {
            say("error acknowledging: " + e);
            return;
        }
        acknowledged.incrementAndGet();
        long now = System.nanoTime();
        if (last[partition] != 0) {
            longest = Math.max(longest, now - last[partition]);
        }
        last[partition] = now;
    }

    private static synchronized long takeLongest() {
        long ms = longest / 1_000_000;
        longest = 0;
        return ms;
    }

    private static void consume(String bootstrap, String topic) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("group.id", topic + "-java");
        p.put("auto.offset.reset", "earliest");
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(Collections.singletonList(topic));
            long quietSince = System.nanoTime();
            while (!allSent || (read.get() < acknowledged.get() && System.nanoTime() - quietSince < 30_000_000_000L)) {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
                if (!records.isEmpty()) {
                    quietSince = System.nanoTime();
                    read.addAndGet(records.count());
                }
            }
            if (read.get() < acknowledged.get()) {
                say("error " + acknowledged.get() + " records were acknowledged and " + read.get() + " read");
            }
        } catch (KafkaException e) {
            say("error consuming: " + e);
        }
    }

    private static synchronized void say(String line) {
        System.out.println(line.replace('\n', ' '));
        System.out.flush();
    }
}
