package dev.pawl.harness;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Publishes bytes as they are. Every method returns once the broker has confirmed the records, or throws. */
public final class Publisher implements AutoCloseable {

    private final KafkaProducer<byte[], byte[]> producer;

    public Publisher(String bootstrapServers) {
        producer = KafkaClassLoader.with(() -> new KafkaProducer<>(Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers,
                ProducerConfig.ACKS_CONFIG, "all",
                ProducerConfig.BATCH_SIZE_CONFIG, 256 * 1024,
                ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 200),
                new ByteArraySerializer(), new ByteArraySerializer()));
    }

    /** A null value is a tombstone; a null key leaves the partition to the producer. */
    public RecordMetadata publish(String topic, String key, String value) {
        return publish(new ProducerRecord<>(topic, bytes(key), bytes(value)));
    }

    public RecordMetadata publish(String topic, byte[] key, byte[] value) {
        return publish(new ProducerRecord<>(topic, key, value));
    }

    public RecordMetadata publish(ProducerRecord<byte[], byte[]> document) {
        try {
            return producer.send(document).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Publishes each ID as key and value, in order; returns how many. */
    public int publishIds(String topic, Stream<String> ids) {
        var failure = new AtomicReference<Exception>();
        int count = 0;
        for (var each = ids.iterator(); each.hasNext(); count++) {
            byte[] id = bytes(each.next());
            producer.send(new ProducerRecord<>(topic, id, id), (_, problem) -> {
                if (problem != null) {
                    failure.compareAndSet(null, problem);
                }
            });
        }
        producer.flush();
        if (failure.get() != null) {
            throw new IllegalStateException("not every ID was published", failure.get());
        }
        return count;
    }

    @Override
    public void close() {
        producer.close();
    }

    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }
}
