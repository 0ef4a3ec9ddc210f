package dev.pawl.speed;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Map;

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A consumer that counts a topic's records from the first one on and looks at none; the client's own defaults. */
public final class BareCounter {

    private BareCounter() {
    }

    /** A number on standard input is so many records; answered with the seconds it took to count them. */
    public static void main(String[] arguments) throws IOException {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in));
        try (var consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", arguments[0]), new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            var partitions = consumer.partitionsFor(arguments[1]).stream()
                    .map(partition -> new TopicPartition(partition.topic(), partition.partition())).toList();
            consumer.assign(partitions);
            // Connected like a service that waits, and with no fetch under way that the first question would wait for.
            consumer.seekToEnd(partitions);
            consumer.poll(Duration.ofSeconds(1));
            consumer.pause(partitions);
            consumer.poll(Duration.ofSeconds(1));
            for (String count = questions.readLine(); count != null; count = questions.readLine()) {
                consumer.seekToBeginning(partitions);
                consumer.resume(partitions);
                long start = System.nanoTime();
                for (long rest = Long.parseLong(count); rest > 0;) {
                    rest -= consumer.poll(Duration.ofMillis(100)).count();
                }
                System.out.println((System.nanoTime() - start) / 1e9);
            }
        }
    }
}
