package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.TestBroker;

/** Dead letters that the broker does not take at once: each arrives in the end, and no offset is held back for longer. */
class DeadLettersIT {

    /** More than the connector sends at once by itself. */
    private static final int MANY = 1_100;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    static Path directory;

    private static TestBroker broker;
    private static Rig rig;
    private static PawlProcess pawl;

    @BeforeAll
    static void start() {
        broker = TestBroker.shared();
        // Each by itself: a batch that is larger than the broker takes would be split again and again.
        rig = new Rig(broker, directory).config("pawl.max-in-flight", "2000")
                .config("mp.messaging.incoming.documents.dead-letter-queue.batch.size", "0");
        pawl = rig.start();
    }

    @AfterAll
    static void close() {
        rig.close();
        broker.close();
    }

    /** A broker bounds a record as its publisher has compressed it. */
    @Test
    void letterOfARecordThatCameCompressed_fits() {
        String text = "Ada Byron met Grace Hopper in Turin. ".repeat(60_000);
        publish("too-large", List.of("{\"id\":\"too-large\",\"text\":\"%s\"}".formatted(text)));
        rig.awaitAllCommitted();

        assertThat(rig.deadLetters("too-large")).singleElement().satisfies(letter -> {
            assertThat(Reader.header(letter, "pawl-kind")).isEqualTo("document-too-large");
            assertThat(letter.value()).hasSizeGreaterThan(2 << 20);
        });
    }

    @Test
    void headerThatTheConnectorStumblesOver_holdsNoOffsetBack() {
        RecordHeaders headers = new RecordHeaders();
        headers.add("REPLY_TOPIC", null);
        try (KafkaProducer<byte[], byte[]> publisher = publisher()) {
            publisher.send(new ProducerRecord<>(rig.topics().documents(), null, bytes("no-reply"), bytes("{\"no\":\"id\"}"), headers));
        }
        rig.awaitAllCommitted();

        assertThat(rig.deadLetters("no-reply")).hasSize(1);
    }

    @Test
    void lettersThatWereRefusedByTheHundred_arriveOnceTheyAreNot() throws Exception {
        acceptLettersOf(100);
        publish("refused", Collections.nCopies(MANY, "{\"no\":\"id\"}"));
        await().atMost(PATIENCE).until(() -> pawl.log().contains("A dead letter was not taken by the broker"));
        await().atMost(PATIENCE).until(() -> pawl.get("/progress").body().contains("\"inWork\":" + MANY));
        acceptLettersOf(1 << 20);

        rig.awaitAllCommitted();

        assertThat(rig.deadLetters("refused")).hasSize(MANY);
    }

    private static void publish(String key, List<String> values) {
        try (KafkaProducer<byte[], byte[]> publisher = publisher()) {
            values.forEach(value -> publisher.send(new ProducerRecord<>(rig.topics().documents(), bytes(key), bytes(value))));
        }
    }

    private static KafkaProducer<byte[], byte[]> publisher() {
        return new KafkaProducer<>(Map.of("bootstrap.servers", broker.bootstrapServers(), "compression.type", "gzip",
                "max.request.size", 10 << 20), new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static void acceptLettersOf(int bytes) throws ExecutionException, InterruptedException {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
            admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.TOPIC, rig.topics().deadLetters()),
                    List.of(new AlterConfigOp(new ConfigEntry("max.message.bytes", Integer.toString(bytes)), AlterConfigOp.OpType.SET))))
                    .all().get();
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
