package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.StreamSupport;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.ScriptedModel.Reply;
import dev.pawl.harness.TestBroker;

/**
 * What the checkpoint decides, row by row and column by column, with calls and emissions counted.
 *
 * <pre>
 * partition    what a kill does to it
 * ──────────   ─────────────────────────────────────────────────────────────────────────────────────────
 * COMMITTED    nothing: its documents are acknowledged, and come back only when they are published again
 * HELD_BACK    everything is delivered again: its first document was in work, so no offset was committed
 * RETIRED      its records are deleted before the next life: a document comes back only under another source
 * </pre>
 */
class DecisionTableIT {

    private static final int COMMITTED = 0;
    private static final int HELD_BACK = 1;
    private static final int ELSEWHERE = 2;
    private static final int RETIRED = 3;

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    static Path directory;

    private static final Set<String> REFUSED = ConcurrentHashMap.newKeySet();

    private static TestBroker broker;
    private static Rig rig;
    private static PawlProcess pawl;

    /** A life that leaves every row of the table behind, its kill, and the next life, in which the tests run. */
    @BeforeAll
    static void liveOnceAndBeKilled() {
        broker = TestBroker.shared();
        rig = new Rig(broker, directory).config("mp.messaging.incoming.documents.auto.commit.interval.ms", "100");
        rig.model().answer(call -> REFUSED.contains(call.id()) ? new Reply.Status(400) : ScriptedModel.usualAnswer(call));
        REFUSED.add("failed-again");
        Set<String> inWork = Set.of("summary/nothing-again", "summary/twins-again", "entities/steps-again", "entities/steps-retired");
        rig.model().hold(call -> inWork.contains(call.key()));

        pawl = rig.start();
        publish(HELD_BACK, "nothing-again");
        publish(HELD_BACK, "done-again");
        publish(HELD_BACK, "failed-again");
        publish(HELD_BACK, "steps-again");
        publish(HELD_BACK, "forgotten-again");
        publish(HELD_BACK, "twins-again");
        publish(HELD_BACK, "twins-again");
        publish(HELD_BACK, "tombstone-again");
        rig.publish(HELD_BACK, "tombstone-again", null);
        publish(HELD_BACK, "tombstone-again");
        publish(RETIRED, "steps-retired");
        publish(COMMITTED, "done-committed");
        awaitResults("forgotten-again", 1);
        awaitResults("tombstone-again", 2);
        rig.publish(HELD_BACK, "forgotten-again", null);
        await().atMost(PATIENCE).until(() -> rig.model().counts().keySet().containsAll(inWork)
                && lines("forgotten-again").contains("forgotten") && lines("done-again").contains("done")
                && lines("failed-again").contains("failed") && lines("done-committed").contains("done")
                && rig.deadLetters().size() == 1 && rig.results("done-again").size() == 1
                && rig.committed(COMMITTED) == 1);
        pawl.kill();
        assertThat(rig.committed(HELD_BACK)).isZero();
        broker.deleteRecords(rig.topics().documents(), RETIRED, 1);
        rig.model().release();

        pawl = rig.start();
        await().atMost(PATIENCE).until(() -> rig.committed(HELD_BACK) == 11);
    }

    @AfterAll
    static void close() {
        rig.close();
        broker.close();
    }

    // ---- Done ----

    @Test
    void done_deliveredAgain_isEmittedAgainWithoutACall() {
        assertCalls("done-again", 1, 1);
        List<ConsumerRecord<byte[], byte[]>> emissions = rig.results("done-again");
        assertThat(emissions).hasSize(2);
        assertThat(emissions).extracting(emission -> Reader.text(emission.value())).containsOnly(Reader.text(emissions.getFirst().value()));
        assertThat(emissions).extracting(emission -> Reader.header(emission, "ce_id")).doesNotContainNull().containsOnly(
                Reader.header(emissions.getFirst(), "ce_id"));
        assertThat(lines("done-again")).containsExactly("step", "done");
    }

    @Test
    void done_committedBeforeTheKill_isNotDeliveredAgain() {
        assertCalls("done-committed", 1, 1);
        assertThat(rig.results("done-committed")).hasSize(1);
    }

    @Test
    void done_publishedAgain_causesNoCallAndNoEmission() {
        completeOnce("done-published");

        publish(COMMITTED, "done-published");
        rig.awaitAllCommitted();

        assertCalls("done-published", 1, 1);
        assertThat(rig.results("done-published")).hasSize(1);
    }

    @Test
    void done_publishedAgainIntoAnotherPartition_causesNoCallAndNoEmission() {
        completeOnce("done-elsewhere");

        publish(ELSEWHERE, "done-elsewhere");
        rig.awaitAllCommitted();

        assertCalls("done-elsewhere", 1, 1);
        assertThat(rig.results("done-elsewhere")).hasSize(1);
    }

    // ---- Failed ----

    @Test
    void failed_deliveredAgain_isDeadLetteredAgainWithoutACall() {
        assertThat(rig.model().calls("summary", "failed-again")).hasSize(1);
        assertThat(rig.deadLetters("failed-again")).hasSize(2)
                .allSatisfy(letter -> {
                    assertThat(Reader.header(letter, "pawl-kind")).isEqualTo("refused");
                    assertThat(Reader.header(letter, "pawl-step")).isEqualTo("summary");
                    assertThat(Reader.header(letter, "pawl-attempts")).isEqualTo("1");
                    assertThat(Reader.header(letter, "dead-letter-offset")).isEqualTo("2");
                });
        assertThat(rig.results("failed-again")).isEmpty();
        assertThat(lines("failed-again")).containsExactly("failed");
    }

    @Test
    void failed_publishedAgain_runsAgain() {
        REFUSED.add("failed-published");
        publish(COMMITTED, "failed-published");
        rig.awaitAllCommitted();

        publish(COMMITTED, "failed-published");
        rig.awaitAllCommitted();
        assertThat(rig.model().calls("summary", "failed-published")).hasSize(2);
        assertThat(rig.deadLetters("failed-published")).hasSize(2);

        REFUSED.remove("failed-published");
        publish(COMMITTED, "failed-published");
        rig.awaitAllCommitted();
        assertCalls("failed-published", 3, 1);
        assertThat(rig.deadLetters("failed-published")).hasSize(2);
        assertThat(rig.results("failed-published")).hasSize(1);
    }

    @Test
    void failed_publishedAgainIntoAnotherPartitionWhenTheModelAnswers_completesAndStaysDone() {
        REFUSED.add("failed-elsewhere");
        publish(COMMITTED, "failed-elsewhere");
        rig.awaitAllCommitted();
        REFUSED.remove("failed-elsewhere");

        publish(ELSEWHERE, "failed-elsewhere");
        rig.awaitAllCommitted();
        publish(COMMITTED, "failed-elsewhere");
        rig.awaitAllCommitted();

        assertCalls("failed-elsewhere", 2, 1);
        assertThat(rig.results("failed-elsewhere")).hasSize(1);
    }

    // ---- Some steps ----

    @Test
    void someSteps_deliveredAgain_resumesAtTheStepWithoutALine() {
        assertCalls("steps-again", 1, 2);
        assertThat(rig.results("steps-again")).hasSize(1);
        assertThat(lines("steps-again")).containsExactly("step", "done");
    }

    @Test
    void someSteps_publishedAgain_resumesAtTheStepWithoutALine() {
        assertCalls("steps-retired", 1, 1);

        publish(RETIRED, "steps-retired");
        awaitResults("steps-retired", 1);

        assertCalls("steps-retired", 1, 2);
        assertThat(lines("steps-retired")).containsExactly("step", "done");
        JsonNode result = value(rig.results("steps-retired").getFirst());
        assertThat(result.path("usage").path("calls").asInt()).isEqualTo(2);
        assertThat(result.path("source").asText()).isEqualTo(rig.topics().documents() + "-" + RETIRED + "@1");
    }

    // ---- Forgotten, or nothing ----

    @Test
    void forgotten_deliveredAgain_runs() {
        assertCalls("forgotten-again", 2, 2);
        assertThat(rig.results("forgotten-again")).hasSize(2);
        assertThat(lines("forgotten-again")).containsExactly("step", "done", "forgotten", "step", "done", "forgotten");
    }

    @Test
    void forgotten_publishedAgain_runs() {
        completeOnce("forgotten-published");
        rig.publish(COMMITTED, "forgotten-published", null);
        rig.awaitAllCommitted();

        publish(COMMITTED, "forgotten-published");
        rig.awaitAllCommitted();

        assertCalls("forgotten-published", 2, 2);
        List<ConsumerRecord<byte[], byte[]>> emissions = rig.results("forgotten-published");
        assertThat(emissions).extracting(emission -> Reader.header(emission, "ce_id")).hasSize(2).doesNotHaveDuplicates();
    }

    /** What was done after it stays done; the record before it comes again as well, and is skipped. */
    @Test
    void tombstone_deliveredAgain_forgetsNothingThatCameAfterIt() {
        assertCalls("tombstone-again", 2, 2);
        assertThat(lines("tombstone-again")).containsExactly("step", "done", "forgotten", "step", "done");
    }

    @Test
    void forgotten_byATombstoneInAnotherPartition_runs() {
        completeOnce("forgotten-elsewhere");
        rig.publish(ELSEWHERE, "forgotten-elsewhere", null);
        rig.awaitAllCommitted();
        assertThat(lines("forgotten-elsewhere")).containsExactly("step", "done", "forgotten");

        publish(ELSEWHERE, "forgotten-elsewhere");
        rig.awaitAllCommitted();

        assertCalls("forgotten-elsewhere", 2, 2);
        assertThat(rig.results("forgotten-elsewhere")).hasSize(2);
    }

    @Test
    void forgotten_whileUnknown_isNoFailure() {
        rig.publish(COMMITTED, "forgotten-unknown", null);
        rig.awaitAllCommitted();
        assertThat(rig.deadLetters("forgotten-unknown")).isEmpty();

        completeOnce("forgotten-unknown");

        assertThat(rig.results("forgotten-unknown")).hasSize(1);
    }

    @Test
    void nothing_deliveredAgain_runs() {
        assertCalls("nothing-again", 2, 1);
        assertThat(rig.results("nothing-again")).hasSize(1);
    }

    @Test
    void nothing_published_runs() {
        completeOnce("nothing-published");

        assertCalls("nothing-published", 1, 1);
        assertThat(rig.results("nothing-published")).hasSize(1);
    }

    // ---- Two at once ----

    @Test
    void twoPublicationsAtOnce_runOnce() {
        rig.model().hold(call -> call.id().equals("twins-published"));
        publish(COMMITTED, "twins-published");
        publish(COMMITTED, "twins-published");
        publish(ELSEWHERE, "twins-published");
        await().atMost(PATIENCE).until(() -> inWork() == 3 && rig.model().calls("summary", "twins-published").size() == 1);

        rig.model().release();
        rig.awaitAllCommitted();

        assertCalls("twins-published", 1, 1);
        assertThat(rig.results("twins-published")).hasSize(1);
    }

    @Test
    void twoDeliveredAgainAtOnce_runOnce() {
        assertCalls("twins-again", 2, 1);
        assertThat(rig.results("twins-again")).hasSize(1);
        assertThat(lines("twins-again")).containsExactly("step", "done");
    }

    private static void publish(int partition, String id) {
        rig.text(id, "The text of " + id + ".");
        rig.publish(partition, id, id);
    }

    private static void completeOnce(String id) {
        publish(COMMITTED, id);
        rig.awaitAllCommitted();
        assertThat(rig.results(id)).hasSize(1);
    }

    private static void awaitResults(String id, int count) {
        await().atMost(PATIENCE).until(() -> rig.results(id).size() == count);
    }

    private static void assertCalls(String id, int summary, int entities) {
        assertThat(rig.model().calls("summary", id)).as("summary calls of " + id).hasSize(summary);
        assertThat(rig.model().calls("entities", id)).as("entities calls of " + id).hasSize(entities);
    }

    /** The statuses of a document's lines, in their order. */
    private static List<String> lines(String id) {
        return rig.checkpoint().stream().filter(line -> line.id().equals(id)).map(CheckpointFile.Line::status).toList();
    }

    private static int inWork() {
        return StreamSupport.stream(json(pawl.get("/progress").body()).path("lag").path("partitions").spliterator(), false)
                .mapToInt(partition -> partition.path("inWork").asInt()).sum();
    }

    private static JsonNode value(ConsumerRecord<byte[], byte[]> result) {
        return json(Reader.text(result.value()));
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError(text, e);
        }
    }
}
