package dev.pawl.speed;

import java.io.IOException;
import java.time.Duration;
import java.util.BitSet;
import java.util.Map;

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads results as they come and counts the documents that have one. One thread at a time. */
final class ResultsReader implements AutoCloseable {

    private static final Duration POLL = Duration.ofMillis(50);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final BitSet emitted = new BitSet();

    ResultsReader(Site site) {
        consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", site.bootstrapServers(), "auto.offset.reset", "earliest",
                "enable.auto.commit", false, "max.poll.records", 10_000), new ByteArrayDeserializer(), new ByteArrayDeserializer());
        var partitions = consumer.partitionsFor(site.topics().results()).stream()
                .map(partition -> new TopicPartition(partition.topic(), partition.partition())).toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }

    /** @return {@link System#nanoTime()} when so many documents have a result */
    long awaitDocuments(int count, Duration limit) throws IOException {
        long start = System.nanoTime();
        while (emitted.cardinality() < count) {
            if (System.nanoTime() - start > limit.toNanos()) {
                throw new IOException("%d documents of %d have a result after %s".formatted(emitted.cardinality(), count, limit));
            }
            consumer.poll(POLL).forEach(record -> emitted.set(Integer.parseInt(new String(record.key(), "doc-".length(), 7))));
        }
        return System.nanoTime();
    }

    @Override
    public void close() {
        consumer.close();
    }
}
