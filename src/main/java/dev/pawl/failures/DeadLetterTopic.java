package dev.pawl.failures;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads the dead-letter topic, outside any consumer group: it commits nothing and moves nobody. Holds some {@value #FETCH_MAX_BYTES}
 * bytes of it at a time, or one record. Blocks; for one thread. What the broker does not answer ends in a
 * {@link org.apache.kafka.common.KafkaException}.
 */
final class DeadLetterTopic implements AutoCloseable {

    private static final int FETCH_MAX_BYTES = 8 << 20;
    private static final int API_TIMEOUT_MS = 10_000;
    private static final Duration POLL = Duration.ofMillis(200);
    /** So far ahead, a seek is cheaper than to read on. */
    private static final int FAR = 500;

    private final String topic;
    private final KafkaConsumer<byte[], byte[]> consumer;

    /** @param connection how to reach the brokers */
    DeadLetterTopic(Map<String, Object> connection, String topic) {
        this.topic = topic;
        Map<String, Object> config = new HashMap<>(connection);
        config.remove(ConsumerConfig.GROUP_ID_CONFIG);
        config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        config.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        config.put(ConsumerConfig.FETCH_MAX_BYTES_CONFIG, FETCH_MAX_BYTES);
        config.putIfAbsent(ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, API_TIMEOUT_MS);
        // Closing waits for the fetch that is under way, by default for half a second.
        config.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 20);
        this.consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /**
     * What a partition holds.
     *
     * @param begin the offset of its first record
     * @param end the offset that its next record will get
     */
    record Range(long begin, long end) {}

    /** By partition; none where the topic is not there yet. */
    Map<Integer, Range> ranges() {
        List<PartitionInfo> found = consumer.partitionsFor(topic);
        List<TopicPartition> partitions = found == null ? List.of()
                : found.stream().map(info -> new TopicPartition(topic, info.partition())).toList();
        Map<TopicPartition, Long> begins = consumer.beginningOffsets(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        return partitions.stream().collect(Collectors.toMap(TopicPartition::partition,
                partition -> new Range(begins.get(partition), ends.get(partition)), (one, _) -> one, TreeMap::new));
    }

    /**
     * Reads on from the offsets of {@code next} to the ends of {@code ranges}, until the deadline or until {@code visitor} refuses a record
     * by answering false. {@code next} then says where to go on: at a refused record again.
     */
    void scan(Map<Integer, Long> next, Map<Integer, Range> ranges, Deadline deadline, Predicate<ConsumerRecord<byte[], byte[]>> visitor) {
        List<TopicPartition> behind = next.keySet().stream()
                .filter(partition -> next.get(partition) < ranges.get(partition).end())
                .map(partition -> new TopicPartition(topic, partition))
                .toList();
        consumer.assign(behind);
        behind.forEach(partition -> consumer.seek(partition, next.get(partition.partition())));
        while (!deadline.hasPassed() && behind.stream().anyMatch(p -> next.get(p.partition()) < ranges.get(p.partition()).end())) {
            ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
            for (TopicPartition partition : behind) {
                long end = ranges.get(partition.partition()).end();
                for (ConsumerRecord<byte[], byte[]> record : records.records(partition)) {
                    if (record.offset() < end && !visitor.test(record)) {
                        next.put(partition.partition(), record.offset());
                        return;
                    }
                    next.put(partition.partition(), Math.min(record.offset() + 1, end));
                }
                // Beyond what compaction or a transaction left no record of.
                next.put(partition.partition(), Math.min(consumer.position(partition), end));
            }
        }
    }

    /**
     * What was asked for.
     *
     * @param record null where the topic does not have it any more
     */
    record Found(OpenFailure failure, ConsumerRecord<byte[], byte[]> record) {

        boolean isGone() {
            return record == null;
        }
    }

    /** Reads the records of these failures, which are in the order of their positions, and hands them on in groups; until the deadline. */
    void read(List<OpenFailure> failures, Deadline deadline, Consumer<List<Found>> groups) {
        failures.stream().collect(Collectors.groupingBy(failure -> failure.position().partition(), TreeMap::new, Collectors.toList()))
                .forEach((partition, wanted) -> read(new TopicPartition(topic, partition), wanted, deadline, groups));
    }

    private void read(TopicPartition partition, List<OpenFailure> wanted, Deadline deadline, Consumer<List<Found>> groups) {
        consumer.assign(List.of(partition));
        int read = 0;
        consumer.seek(partition, wanted.getFirst().position().offset());
        while (read < wanted.size() && !deadline.hasPassed()) {
            ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
            Map<Long, ConsumerRecord<byte[], byte[]>> byOffset = new HashMap<>();
            records.forEach(record -> byOffset.put(record.offset(), record));
            long position = consumer.position(partition);
            List<Found> found = new ArrayList<>();
            while (read < wanted.size() && wanted.get(read).position().offset() < position) {
                OpenFailure failure = wanted.get(read++);
                found.add(new Found(failure, byOffset.get(failure.position().offset())));
            }
            if (!found.isEmpty()) {
                groups.accept(found);
            }
            if (read < wanted.size() && wanted.get(read).position().offset() > position + FAR) {
                consumer.seek(partition, wanted.get(read).position().offset());
            }
        }
    }

    @Override
    public void close() {
        consumer.close(CloseOptions.timeout(Duration.ofSeconds(1)));
    }
}
