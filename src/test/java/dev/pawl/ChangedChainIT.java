package dev.pawl;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.TestBroker;

/**
 * What {@code pawl.chain.on-change} does to documents that are done when the second step's prompt changes: one that is
 * published again, and one that is delivered again since a document before it was in work when the process died.
 */
class ChangedChainIT {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final JsonMapper JSON = new JsonMapper();
    private static final int COMMITTED = 0;
    private static final int HELD_BACK = 1;

    @TempDir
    Path directory;

    private TestBroker broker;
    private Rig rig;

    @BeforeEach
    void completeUnderTheOldChainAndBeKilled() {
        broker = TestBroker.shared();
        rig = new Rig(broker, directory, 2).config("mp.messaging.incoming.documents.auto.commit.interval.ms", "100");
        rig.model().hold(call -> call.key().equals("entities/in-work"));
        PawlProcess before = rig.start();
        publish(COMMITTED, "published");
        publish(HELD_BACK, "in-work");
        publish(HELD_BACK, "delivered");
        await().atMost(PATIENCE).until(() -> rig.results("delivered").size() == 1 && rig.uncommitted() == 2
                && rig.model().calls("entities", "in-work").size() == 1);
        before.kill();
        rig.model().release();
        rig.write("entities.prompt", "The new prompt. step=entities id={{id}}\n{{summary}}\n{{document}}");
    }

    @AfterEach
    void close() {
        rig.close();
        broker.close();
    }

    @Test
    void keep_changedStep_countsForUnfinishedDocumentsAlone() {
        rig.start();
        publish(COMMITTED, "published");
        rig.awaitAllCommitted();

        assertThat(calls("published")).isEqualTo(Map.of("summary", 1L, "entities", 1L));
        assertThat(rig.results("published")).hasSize(1);
        assertThat(calls("delivered")).isEqualTo(Map.of("summary", 1L, "entities", 1L));
        assertThat(rig.results("delivered")).hasSize(2).extracting(emission -> Reader.text(emission.value()))
                .containsOnly(Reader.text(rig.results("delivered").getFirst().value()));
        assertThat(calls("in-work")).isEqualTo(Map.of("summary", 1L, "entities", 2L));
        assertThat(lastPrompt("in-work")).startsWith("The new prompt.");
    }

    @Test
    void reprocess_changedStep_runsAgainAloneAndOnce() {
        rig.config("pawl.chain.on-change", "reprocess");
        rig.start();
        publish(COMMITTED, "published");
        publish(COMMITTED, "published");
        publish(HELD_BACK, "delivered");
        rig.awaitAllCommitted();

        assertThat(List.of("published", "delivered")).allSatisfy(id -> {
            assertThat(calls(id)).isEqualTo(Map.of("summary", 1L, "entities", 2L));
            assertThat(lastPrompt(id)).startsWith("The new prompt.").contains("summary of " + id);
            assertThat(rig.results(id)).hasSize(2).extracting(emission -> Reader.header(emission, "ce_id")).doesNotHaveDuplicates();
            JsonNode before = value(id, 0);
            JsonNode after = value(id, 1);
            assertThat(after.path("fingerprint").asText()).isNotEmpty().isNotEqualTo(before.path("fingerprint").asText());
            assertThat(after.path("result").path("summary")).isEqualTo(before.path("result").path("summary"));
        });
    }

    private void publish(int partition, String id) {
        rig.text(id, "The text of " + id + ".");
        rig.publish(partition, id, id);
    }

    private Map<String, Long> calls(String id) {
        return rig.model().calls().stream().filter(call -> call.id().equals(id))
                .collect(groupingBy(Call::step, counting()));
    }

    private String lastPrompt(String id) {
        return rig.model().calls("entities", id).getLast().prompt();
    }

    private JsonNode value(String id, int emission) {
        try {
            return JSON.readTree(rig.results(id).get(emission).value());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
