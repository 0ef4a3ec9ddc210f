package dev.pawl;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Rig;
import dev.pawl.harness.TestBroker;

/**
 * The promise: the packaged application, a real broker, a counting model, a SIGKILL at the worst moments, and nothing
 * that was finished is paid for twice.
 */
@Isolated("It kills in the moments between one document and the next.")
class CrashIT {

    private static final int DOCUMENTS = 1_000;
    private static final int MAX_IN_FLIGHT = 64;
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    @TempDir
    Path directory;

    /** Not the shared one: a test stops it. */
    private static TestBroker broker;

    private Rig rig;
    private List<String> ids;

    @BeforeAll
    static void openBroker() {
        broker = TestBroker.open();
    }

    @AfterAll
    static void closeBroker() {
        broker.close();
    }

    @BeforeEach
    void publishDocuments() {
        rig = new Rig(broker, directory).config("pawl.max-in-flight", Integer.toString(MAX_IN_FLIGHT));
        ids = rig.texts(DOCUMENTS);
        rig.publish(ids);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void killedWhenThe847thIsDone_restartPaysForNothingTwice() {
        rig.without("mp.messaging.incoming.documents.group.instance.id");
        rig.model().delay(Duration.ofMillis(30));
        // However late the kill comes, these are not done. They are fewer than may be in flight, and the others go on.
        rig.model().hold(call -> call.id().compareTo("doc-0950") >= 0);
        PawlProcess first = rig.start();
        awaitDone(847);
        first.kill();
        AtTheKill atTheKill = new AtTheKill();
        rig.model().release();
        assertThat(atTheKill.done).hasSizeBetween(847, 950);

        rig.start();
        awaitAllCommitted();

        verifyNothingWasPaidTwice(atTheKill);
        verifyEverythingIsThere();
    }

    @Test
    void killedInTheMiddleOfChains_restartGoesOnAtTheStepWithoutALine() {
        rig.model().hold(call -> call.step().equals("entities"));
        PawlProcess first = rig.start();
        awaitAllHeldAtEntities();
        first.kill();
        AtTheKill atTheKill = new AtTheKill();
        assertThat(atTheKill.steps).hasSize(MAX_IN_FLIGHT);
        assertThat(atTheKill.done).isEmpty();
        rig.model().release();

        rig.start();
        awaitAllCommitted();

        verifyNothingWasPaidTwice(atTheKill);
        verifyEverythingIsThere();
        assertThat(atTheKill.steps).allSatisfy(id -> assertThat(rig.model().calls("summary", id)).hasSize(1));
    }

    @Test
    void killedBetweenAppendAndEmit_restartEmitsWithoutACall() {
        rig.model().hold(call -> call.step().equals("entities"));
        PawlProcess first = rig.start();
        awaitAllHeldAtEntities();
        broker.stop();
        rig.model().release();
        awaitDone(MAX_IN_FLIGHT);
        first.kill();
        broker.start();
        AtTheKill atTheKill = new AtTheKill();
        assertThat(rig.results()).isEmpty();

        rig.start();
        awaitAllCommitted();

        verifyNothingWasPaidTwice(atTheKill);
        verifyEverythingIsThere();
        assertThat(rig.model().total()).isEqualTo(DOCUMENTS * Rig.STEPS.size());
    }

    @Test
    void killedBetweenEmitAndAcknowledge_restartRepeatsTheSameEmissions() {
        rig.config("mp.messaging.incoming.documents.auto.commit.interval.ms", "3600000");
        PawlProcess first = rig.start();
        await().atMost(PATIENCE).until(() -> rig.results().size() == DOCUMENTS);
        first.kill();
        AtTheKill atTheKill = new AtTheKill();
        assertThat(rig.uncommitted()).isEqualTo(DOCUMENTS);

        rig.config("mp.messaging.incoming.documents.auto.commit.interval.ms", "500");
        rig.start();
        awaitAllCommitted();

        verifyNothingWasPaidTwice(atTheKill);
        verifyEverythingIsThere();
        assertThat(rig.model().total()).isEqualTo(DOCUMENTS * Rig.STEPS.size());
        assertThat(rig.results()).hasSize(2 * DOCUMENTS);
    }

    private void awaitAllHeldAtEntities() {
        await().atMost(PATIENCE).until(() -> rig.model().calls().stream().filter(call -> call.step().equals("entities")).count() == MAX_IN_FLIGHT);
    }

    private void awaitDone(int documents) {
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(() -> rig.checkpoint("done").count() >= documents);
    }

    private void awaitAllCommitted() {
        await().atMost(PATIENCE).until(() -> rig.uncommitted() == 0);
    }

    /** What was durable, and what was called, when the process died. */
    private final class AtTheKill {
        final Set<String> steps = rig.checkpoint("step").map(CheckpointFile.Line::id).collect(Collectors.toSet());
        final Set<String> done = rig.checkpoint("done").map(CheckpointFile.Line::id).collect(Collectors.toSet());
        final int calls = rig.model().total();

        /** Called, and without a line yet: what a kill may cost. */
        int inTheAir() {
            return calls - steps.size() - done.size();
        }
    }

    private void verifyNothingWasPaidTwice(AtTheKill atTheKill) {
        Map<String, Integer> counts = rig.model().counts();
        assertThat(atTheKill.steps).allSatisfy(id -> assertThat(counts.get("summary/" + id)).as("summary of " + id).isEqualTo(1));
        assertThat(atTheKill.done).allSatisfy(id -> assertThat(counts.get("entities/" + id)).as("entities of " + id).isEqualTo(1));
        assertThat(atTheKill.inTheAir()).isBetween(0, MAX_IN_FLIGHT);
        assertThat(rig.model().total()).isBetween(DOCUMENTS * Rig.STEPS.size(), DOCUMENTS * Rig.STEPS.size() + atTheKill.inTheAir());
    }

    private void verifyEverythingIsThere() {
        assertThat(rig.checkpoint()).allMatch(line -> line.crcPresent() && line.crcValid() && line.terminated());
        assertThat(rig.checkpoint("done").map(CheckpointFile.Line::id)).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(rig.deadLetters()).isEmpty();
        Map<String, List<ConsumerRecord<byte[], byte[]>>> results = rig.results().stream()
                .collect(groupingBy(result -> new String(result.key(), StandardCharsets.UTF_8)));
        assertThat(results.keySet()).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(results.values()).allSatisfy(emissions -> {
            assertThat(emissions.stream().collect(groupingBy(CrashIT::completionId, counting()))).hasSize(1);
            assertThat(emissions.stream().map(emission -> new String(emission.value(), StandardCharsets.UTF_8)).distinct()).hasSize(1);
        });
    }

    private static String completionId(ConsumerRecord<byte[], byte[]> result) {
        return new String(result.headers().lastHeader("ce_id").value(), StandardCharsets.UTF_8);
    }
}
