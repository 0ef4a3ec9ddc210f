package dev.pawl.speed;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Reads a topic's records from the first one on and emits for each what Pawl emitted for the first, headers included, under its own key: what emitting
 * again costs where nothing is looked up. The clients' own defaults, but that all brokers confirm.
 */
public final class BareRelay {

    private BareRelay() {
    }

    /** A number on standard input is so many records; answered with the seconds until the last was confirmed. */
    public static void main(String[] arguments) throws IOException {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        String results = arguments[2];
        try (var consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", arguments[0]), new ByteArrayDeserializer(), new ByteArrayDeserializer());
                var producer = new KafkaProducer<>(Map.of("bootstrap.servers", arguments[0], "acks", "all"), new ByteArraySerializer(),
                        new ByteArraySerializer())) {
            for (String count = questions.readLine(); count != null; count = questions.readLine()) {
                ConsumerRecord<byte[], byte[]> emitted = first(consumer, results);
                seekToBeginning(consumer, arguments[1]);
                long start = System.nanoTime();
                for (long rest = Long.parseLong(count); rest > 0;) {
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                        producer.send(new ProducerRecord<>(results, null, record.key(), emitted.value(), emitted.headers()));
                        rest--;
                    }
                }
                producer.flush();
                System.out.println((System.nanoTime() - start) / 1e9);
            }
        }
    }

    private static ConsumerRecord<byte[], byte[]> first(KafkaConsumer<byte[], byte[]> consumer, String topic) {
        seekToBeginning(consumer, topic);
        while (true) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                return record;
            }
        }
    }

    private static void seekToBeginning(KafkaConsumer<byte[], byte[]> consumer, String topic) {
        List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                .map(partition -> new TopicPartition(partition.topic(), partition.partition())).toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
    }
}
