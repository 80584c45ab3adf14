import java.io.FileInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.LongSerializer;

/**
 * A producer (acks=all, idempotent) and a consumer that go on, and others that are new all the time, until standard
 * input ends.
 *
 * <p>Prints what they lived through, a line each: "counts ACKED READ OPENED" and "error WHO WHAT".
 */
public final class Clients {
    private static final AtomicBoolean STOP = new AtomicBoolean();
    /** The writer is done: nothing more will be acknowledged. */
    private static final AtomicBoolean WRITTEN = new AtomicBoolean();
    private static final AtomicLong ACKED = new AtomicLong();
    private static final AtomicLong READ = new AtomicLong();
    private static final AtomicLong OPENED = new AtomicLong();
    private static final AtomicLong SENT = new AtomicLong();

    private Clients() {}

    public static void main(String[] args) throws Exception {
        Properties client = new Properties();
        try (FileInputStream file = new FileInputStream(args[0])) {
            client.load(file);
        }
        String topic = args[1];
        List<Thread> all = new ArrayList<>();
        Thread writer = start("writer", STOP, () -> write(client, topic));
        all.add(start("reader", WRITTEN, () -> read(client, topic)));
        all.add(start("new", STOP, () -> open(client, topic)));
        Thread counts = new Thread(Clients::counts);
        counts.setDaemon(true);
        counts.start();
        while (System.in.read() >= 0) {
            // Its end is the sign.
        }
        STOP.set(true);
        writer.join();
        WRITTEN.set(true);
        for (Thread one : all) {
            one.join();
        }
        say("counts " + ACKED + " " + READ + " " + OPENED);
        say("end");
    }

    private interface Task {
        void run() throws Exception;
    }

    private static Thread start(String name, AtomicBoolean end, Task task) {
        Thread thread = new Thread(() -> {
            while (!end.get()) {
                try {
                    task.run();
                } catch (Exception e) {
                    error(name, e);
                }
            }
        });
        thread.start();
        return thread;
    }

    private static void write(Properties client, String topic) throws Exception {
        try (KafkaProducer<Long, byte[]> producer = producer(client)) {
            while (!STOP.get()) {
                producer.send(new ProducerRecord<>(topic, SENT.getAndIncrement(), new byte[200]), (to, e) -> {
                    if (e == null) {
                        ACKED.incrementAndGet();
                    } else {
                        error("writer", e);
                    }
                });
                Thread.sleep(10);
            }
        }
    }

    private static void read(Properties client, String topic) throws Exception {
        Set<Long> seen = new HashSet<>();
        try (KafkaConsumer<Long, byte[]> consumer = consumer(client, topic, true)) {
            long quiet = 0;
            // All that was acknowledged, or nothing for ten seconds.
            while (!WRITTEN.get() || (READ.get() < ACKED.get() && quiet < 100)) {
                int count = 0;
                for (ConsumerRecord<Long, byte[]> one : consumer.poll(Duration.ofMillis(100))) {
                    if (one.key() != null && one.key() >= 0) {
                        count++;
                        if (!seen.add(one.key())) {
                            error("reader", new IllegalStateException("twice: " + one.key()));
                        }
                    }
                }
                READ.set(seen.size());
                quiet = count == 0 ? quiet + 1 : 0;
            }
        }
    }

    /** A producer and a consumer, each with connections of its own, for one exchange. */
    private static void open(Properties client, String topic) throws Exception {
        try (KafkaProducer<Long, byte[]> producer = producer(client);
                KafkaConsumer<Long, byte[]> consumer = consumer(client, topic, false)) {
            producer.send(new ProducerRecord<>(topic, -1L, new byte[1])).get();
            consumer.seekToBeginning(consumer.assignment());
            while (!STOP.get() && consumer.poll(Duration.ofMillis(500)).isEmpty()) {
                // A record is there: one was just written.
            }
            OPENED.incrementAndGet();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
        Thread.sleep(20);
    }

    private static KafkaProducer<Long, byte[]> producer(Properties client) {
        Properties all = new Properties();
        all.putAll(client);
        all.put("acks", "all");
        all.put("enable.idempotence", "true");
        all.put("delivery.timeout.ms", "30000");
        all.put("request.timeout.ms", "10000");
        all.put("max.block.ms", "30000");
        return new KafkaProducer<>(all, new LongSerializer(), new ByteArraySerializer());
    }

    /** The whole topic, from its beginning, or one partition that has records. */
    private static KafkaConsumer<Long, byte[]> consumer(Properties client, String topic, boolean whole) {
        KafkaConsumer<Long, byte[]> consumer =
                new KafkaConsumer<>(with(client), new LongDeserializer(), new ByteArrayDeserializer());
        List<TopicPartition> all = new ArrayList<>();
        for (PartitionInfo one : consumer.partitionsFor(topic)) {
            all.add(new TopicPartition(topic, one.partition()));
        }
        consumer.assign(all);
        if (whole) {
            consumer.seekToBeginning(all);
        }
        return consumer;
    }

    private static Properties with(Properties client) {
        Properties all = new Properties();
        all.putAll(client);
        all.put("max.poll.records", "500");
        all.put("default.api.timeout.ms", "30000");
        return all;
    }

    private static void counts() {
        while (true) {
            say("counts " + ACKED + " " + READ + " " + OPENED);
            try {
                Thread.sleep(200);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static void error(String who, Throwable e) {
        say("error " + who + " " + e.toString().replace('\n', ' '));
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
