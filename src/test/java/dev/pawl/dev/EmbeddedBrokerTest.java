package dev.pawl.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedBrokerTest {

    private static final TopicPartition DOCUMENTS = new TopicPartition("documents", 0);

    @TempDir
    Path directory;

    @Test
    void record_isStillThere_afterRestart() throws Exception {
        try (var broker = EmbeddedBroker.start(directory, freePort())) {
            produce(broker, "doc-0847");
        }

        try (var broker = EmbeddedBroker.start(directory, freePort())) {
            assertThat(consume(broker)).containsExactly("doc-0847");
        }
    }

    @Test
    void directory_isFormattedAgain_whereThatWasInterrupted() throws Exception {
        Files.writeString(directory.resolve("bootstrap.checkpoint"), "half");

        try (var broker = EmbeddedBroker.start(directory, freePort())) {
            produce(broker, "doc-0847");
            assertThat(consume(broker)).containsExactly("doc-0847");
        }
    }

    @Test
    void busyPort_makesItListenOnAnother() throws Exception {
        try (var other = new ServerSocket()) {
            other.bind(new InetSocketAddress("localhost", 0));
            try (var broker = EmbeddedBroker.start(directory, other.getLocalPort())) {
                assertThat(broker.port()).isNotEqualTo(other.getLocalPort());
                produce(broker, "doc-0847");
            }
        }
    }

    @Test
    void directoryInUse_turnsSecondBrokerAway() throws Exception {
        try (var broker = EmbeddedBroker.start(directory, freePort())) {
            assertThatThrownBy(() -> EmbeddedBroker.start(directory, freePort()))
                    .hasMessage("Another Kafka broker uses " + directory + ": is dev mode running twice?");
            produce(broker, "doc-0847");
        }
    }

    private static void produce(EmbeddedBroker broker, String value) throws Exception {
        var config = Map.<String, Object>of("bootstrap.servers", broker.bootstrapServers());
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>(DOCUMENTS.topic(), value)).get();
        }
    }

    private static List<String> consume(EmbeddedBroker broker) {
        var config = Map.<String, Object>of("bootstrap.servers", broker.bootstrapServers());
        try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(DOCUMENTS));
            consumer.seekToBeginning(List.of(DOCUMENTS));
            return consumer.poll(Duration.ofSeconds(10)).records(DOCUMENTS).stream().map(record -> record.value()).toList();
        }
    }

    private static int freePort() throws Exception {
        try (var socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress("localhost", 0));
            return socket.getLocalPort();
        }
    }
}
