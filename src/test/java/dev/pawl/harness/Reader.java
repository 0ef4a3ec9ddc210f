package dev.pawl.harness;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads topics from their beginning, outside any consumer group: it commits nothing and moves nobody. Records come in
 * offset order within a partition. May be used from any thread.
 */
public final class Reader {

    private static final Duration READ_ALL_LIMIT = Duration.ofSeconds(60);
    private static final Duration POLL = Duration.ofMillis(100);

    private final String bootstrapServers;

    public Reader(String bootstrapServers) {
        this.bootstrapServers = bootstrapServers;
    }

    /** Every record from the beginning to the end as it is when this is called. */
    public List<ConsumerRecord<byte[], byte[]>> readAll(String topic) {
        try (var consumer = consumer(topic)) {
            Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
            var records = new ArrayList<ConsumerRecord<byte[], byte[]>>();
            Instant deadline = Instant.now().plus(READ_ALL_LIMIT);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                if (Instant.now().isAfter(deadline)) {
                    throw new AssertionError("%s: %s after %s, ends %s"
                            .formatted(topic, describe(records), READ_ALL_LIMIT, ends));
                }
                consumer.poll(POLL).forEach(record -> {
                    if (record.offset() < ends.get(new TopicPartition(topic, record.partition()))) {
                        records.add(record);
                    }
                });
            }
            return List.copyOf(records);
        }
    }

    /**
     * Reads on until the predicate holds for all records from the beginning, and returns them; fails after
     * {@code timeout}. Survives a restart of the broker.
     */
    public List<ConsumerRecord<byte[], byte[]>> await(String topic,
            Predicate<List<ConsumerRecord<byte[], byte[]>>> predicate, Duration timeout) {
        try (var consumer = consumer(topic)) {
            var records = new ArrayList<ConsumerRecord<byte[], byte[]>>();
            Instant deadline = Instant.now().plus(timeout);
            while (!predicate.test(Collections.unmodifiableList(records))) {
                int before = records.size();
                while (records.size() == before) {
                    if (Instant.now().isAfter(deadline)) {
                        throw new AssertionError("%s: not what was awaited after %s, but %s"
                                .formatted(topic, timeout, describe(records)));
                    }
                    consumer.poll(POLL).forEach(records::add);
                }
            }
            return List.copyOf(records);
        }
    }

    /** A header's text; null where the record has none of the name. */
    public static String header(ConsumerRecord<?, ?> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? null : text(header.value());
    }

    /** Null where there is nothing. */
    public static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }

    private KafkaConsumer<byte[], byte[]> consumer(String topic) {
        var consumer = KafkaClassLoader.with(() -> new KafkaConsumer<>(Map.of(
                ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers,
                ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest",
                ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false,
                ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false,
                ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000,
                // Closing waits for the fetch that is under way, by default for half a second.
                ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 20,
                ConsumerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, 200),
                new ByteArrayDeserializer(), new ByteArrayDeserializer()));
        List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(partition -> new TopicPartition(topic, partition.partition()))
                .toList();
        if (partitions.isEmpty()) {
            consumer.close();
            throw new IllegalArgumentException("no topic " + topic);
        }
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        return consumer;
    }

    private static String describe(List<ConsumerRecord<byte[], byte[]>> records) {
        return "%d records, by partition %s".formatted(records.size(), records.stream()
                .collect(Collectors.groupingBy(ConsumerRecord::partition, TreeMap::new, Collectors.counting())));
    }
}
