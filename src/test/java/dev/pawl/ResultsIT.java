package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.TestBroker;

/** What consumers of the results topic see. */
class ResultsIT {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MORE_THAN_A_BROKER_TAKES = 2 << 20;

    @TempDir
    Path directory;

    private Rig rig;

    @BeforeEach
    void open() {
        rig = new Rig(TestBroker.shared(), directory);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void result_isACloudEventMadeOfTheDoneLine() throws Exception {
        rig.publish(rig.texts(1));
        rig.start();
        rig.awaitAllCommitted();

        ConsumerRecord<byte[], byte[]> result = rig.results().getFirst();
        JsonNode value = JSON.readTree(result.value());
        JsonNode line = rig.checkpoint("done").map(CheckpointFile.Line::json).findFirst().orElseThrow();

        assertThat(new String(result.key())).isEqualTo("doc-0000");
        assertThat(value.fieldNames()).toIterable().containsExactly("id", "source", "fingerprint", "model", "result", "usage",
                "durationMs", "completedAt");
        for (String member : List.of("id", "source", "fingerprint", "result", "usage", "durationMs")) {
            assertThat(value.get(member)).as(member).isEqualTo(line.get(member));
        }
        assertThat(Instant.parse(value.get("completedAt").asText())).isEqualTo(Instant.parse(line.get("ts").asText()));
        assertThat(value.get("model").asText()).isEqualTo("gpt-4o-mini");
        assertThat(value.get("result")).isEqualTo(JSON.readTree("{\"summary\":\"summary of doc-0000\",\"entities\":[\"Ada\",\"Grace\"]}"));
        assertThat(value.get("usage")).isEqualTo(JSON.readTree("{\"calls\":2,\"inputTokens\":200,\"outputTokens\":20}"));
        assertThat(Reader.header(result, "ce_specversion")).isEqualTo("1.0");
        assertThat(Reader.header(result, "ce_id")).isNotBlank();
        assertThat(Reader.header(result, "ce_type")).isEqualTo("dev.pawl.document.completed");
        assertThat(Reader.header(result, "ce_source")).isEqualTo("/pawl/" + line.get("source").asText());
        assertThat(Reader.header(result, "ce_subject")).isEqualTo("doc-0000");
        assertThat(Instant.parse(Reader.header(result, "ce_time"))).isEqualTo(Instant.parse(line.get("ts").asText()));
        assertThat(Reader.header(result, "content-type")).isEqualTo("application/json");
    }

    @Test
    void resultThatTheBrokerDoesNotTake_isADeadLetterAndItsNeighboursComplete() {
        rig.model().answer(call -> call.key().equals("summary/doc-0001")
                ? new ScriptedModel.Reply.Text("x".repeat(MORE_THAN_A_BROKER_TAKES))
                : ScriptedModel.usualAnswer(call));
        rig.publish(rig.texts(3));
        rig.start();
        rig.awaitAllCommitted();

        assertThat(rig.deadLetters()).singleElement().satisfies(letter -> {
            assertThat(new String(letter.key())).isEqualTo("doc-0001");
            assertThat(Reader.header(letter, "pawl-kind")).isEqualTo("result-too-large");
        });
        assertThat(rig.results()).extracting(result -> new String(result.key())).containsExactlyInAnyOrder("doc-0000", "doc-0002");
        assertThat(rig.checkpoint("done")).hasSize(3);
    }
}
