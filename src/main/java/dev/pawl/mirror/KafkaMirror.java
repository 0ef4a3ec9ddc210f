package dev.pawl.mirror;

import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;

import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jboss.logging.Logger;

import dev.pawl.checkpoint.FailStop;
import dev.pawl.checkpoint.Mirror;
import io.smallrye.common.annotation.Identifier;

/**
 * Writes checkpoints into the {@link MirrorTopic} and reads them back. What the broker does not take at once is tried for as long as it
 * takes, in its order: nothing is answered meanwhile. Where it never will, for want of a right for example, the process ends, as it
 * does when its disk fails. Thread-safe.
 */
@Singleton
public final class KafkaMirror {

    private static final Logger LOG = Logger.getLogger(KafkaMirror.class);

    private static final int MAX_RECORD_BYTES = 104_857_600;
    private static final int FETCH_BYTES = 4 << 20;
    private static final int BUFFER_BYTES = 128 << 20;
    private static final int API_TIMEOUT_MS = 10_000;
    private static final Duration POLL = Duration.ofMillis(200);
    /** What the broker is given when the process ends; checkpoints have waited for what they sent before. */
    private static final Duration CLOSE = Duration.ofSeconds(1);

    private final Map<String, Object> connection;
    private final MirrorTopic topic;
    private final FailStop failStop;
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong tooLarge = new AtomicLong();
    private KafkaProducer<byte[], byte[]> producer;
    private boolean closed;

    KafkaMirror(@Identifier("default-kafka-broker") Map<String, Object> connection, MirrorTopic topic, FailStop failStop) {
        this.connection = connection;
        this.topic = topic;
        this.failStop = failStop;
    }

    /**
     * Blocks until the broker has said where the partition is: later, the checkpoint's writer would wait for that.
     *
     * @param number of a partition of the documents topic
     */
    public Mirror partition(int number) {
        producer().partitionsFor(topic.name());
        return (key, value, confirmation) -> send(new ProducerRecord<>(topic.name(), number, key, value), confirmation);
    }

    private void send(ProducerRecord<byte[], byte[]> record, Mirror.Confirmation confirmation) {
        try {
            producer().send(record, (metadata, failure) -> confirm(record, failure == null ? metadata.offset() : Mirror.NOWHERE, failure, confirmation));
        } catch (KafkaException | IllegalStateException e) {
            confirm(record, Mirror.NOWHERE, e, confirmation);
        }
    }

    private void confirm(ProducerRecord<byte[], byte[]> record, long offset, Exception failure, Mirror.Confirmation confirmation) {
        switch (failure) {
            case null -> {
                sent.incrementAndGet();
                confirmation.confirmed(offset, null);
            }
            case RecordTooLargeException _ -> {
                if (tooLarge.incrementAndGet() == 1) {
                    LOG.warnf("The broker takes no record of %d bytes for %s: where a line is as long, a next owner without this disk calls its step again",
                            record.value().length, topic.name());
                }
                confirmation.confirmed(Mirror.NOWHERE, null);
            }
            default -> {
                if (!isClosed()) {
                    failStop.stop("the mirror of the checkpoint, %s, can't be written any more: %s".formatted(topic.name(), failure.getMessage()));
                }
                confirmation.confirmed(Mirror.NOWHERE, new IOException(failure));
            }
        }
    }

    /** Entries that the broker has confirmed since the start. */
    public long sent() {
        return sent.get();
    }

    /** Entries that it would not take for their size. */
    public long tooLarge() {
        return tooLarge.get();
    }

    @FunctionalInterface
    public interface Reader {
        void read(ConsumerRecord<byte[], byte[]> entry) throws IOException;
    }

    /**
     * Reads entries in their order. Blocks; what the broker does not answer ends in a {@link KafkaException}.
     *
     * @param from the first offset
     * @param end the offset behind the last
     * @param cancelled asked now and then; ends it
     */
    public void read(int partition, long from, long end, Reader reader, BooleanSupplier cancelled) throws IOException {
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(readerConfig(partition), new ByteArrayDeserializer(), new ByteArrayDeserializer());
        try {
            TopicPartition read = new TopicPartition(topic.name(), partition);
            consumer.assign(List.of(read));
            consumer.seek(read, from);
            // The last entries may have been compacted away: the position says how far it is.
            while (!cancelled.getAsBoolean() && consumer.position(read) < end) {
                for (ConsumerRecord<byte[], byte[]> entry : consumer.poll(POLL)) {
                    reader.read(entry);
                }
            }
        } finally {
            consumer.close(CloseOptions.timeout(CLOSE));
        }
    }

    Map<String, Object> readerConfig(int partition) {
        Map<String, Object> config = new HashMap<>(connection);
        config.remove(ConsumerConfig.GROUP_ID_CONFIG);
        config.put(ConsumerConfig.CLIENT_ID_CONFIG, "pawl-restore-" + partition);
        config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        config.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        config.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, FETCH_BYTES);
        config.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000);
        config.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 20);
        config.putIfAbsent(ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, API_TIMEOUT_MS);
        return config;
    }

    private synchronized KafkaProducer<byte[], byte[]> producer() {
        if (closed) {
            throw new KafkaException("the process ends");
        }
        if (producer == null) {
            Map<String, Object> config = new HashMap<>(connection);
            config.put(ProducerConfig.CLIENT_ID_CONFIG, "pawl-mirror");
            config.put(ProducerConfig.ACKS_CONFIG, "all");
            config.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
            // A broker may be away for hours, and what stands behind an entry must not overtake it.
            config.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, Integer.MAX_VALUE);
            config.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, Long.MAX_VALUE);
            config.put(ProducerConfig.METADATA_MAX_IDLE_CONFIG, Integer.MAX_VALUE);
            // While the broker is away, as many lines wait as there are documents in work.
            config.put(ProducerConfig.BUFFER_MEMORY_CONFIG, BUFFER_BYTES);
            // The broker's limit decides, not the client's.
            config.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, MAX_RECORD_BYTES);
            producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
        }
        return producer;
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    @PreDestroy
    void close() {
        KafkaProducer<byte[], byte[]> last;
        synchronized (this) {
            closed = true;
            last = producer;
        }
        if (last != null) {
            last.close(CLOSE);
        }
    }
}
