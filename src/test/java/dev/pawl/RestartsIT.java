package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

import dev.pawl.harness.Beside;
import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.TestBroker;

/**
 * Ends that were asked for, under load: nothing that is finished is called again, nothing is lost, and nothing looks like a failure.
 *
 * <p>{@code -Dpawl.restarts} says how many restarts follow each other, 2 by default; {@code ./mvnw verify -Dit.test=RestartsIT
 * -Dpawl.restarts=10} is the heavier suite.
 */
@Isolated("It measures, under a load of its own.")
class RestartsIT {

    private static final int RESTARTS = Integer.getInteger("pawl.restarts", 2);
    private static final int IN_FLIGHT = 500;
    private static final Duration CALL = Duration.ofMillis(250);
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    @TempDir
    Path directory;

    private Rig rig;

    @BeforeEach
    void open() {
        rig = new Rig(TestBroker.shared(), directory).config("pawl.max-in-flight", Integer.toString(IN_FLIGHT));
        rig.model().delay(CALL);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void terminatedTwiceWith500InTheAir_endsWithStatus0AndRepeatsNothing() {
        List<String> ids = rig.texts(1_500);
        Predicate<Call> held = call -> number(call.id()) >= 300 && call.step().equals(number(call.id()) % 2 == 0 ? "summary" : "entities");
        rig.model().hold(held);
        rig.publish(ids);
        PawlProcess first = rig.start();
        // All of them held: behind one that is not, another call would begin.
        await().atMost(PATIENCE).until(() -> rig.model().calls().stream().filter(held).count() == IN_FLIGHT);

        int calls = rig.model().total();
        CompletableFuture<Integer> exit = Beside.supply(first::terminate);
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> first.log().contains("documents in work, at most"));
        first.signalTermination();
        rig.model().release();

        assertThat(exit).succeedsWithin(PATIENCE).isEqualTo(0);
        assertThat(rig.model().inAir()).isZero();
        assertThat(rig.model().total()).as("no call begins once it is told to stop").isEqualTo(calls);
        assertThat(rig.checkpoint("step").count() + rig.checkpoint("done").count()).as("answers in the checkpoint").isEqualTo(rig.model().total());
        verifyCalmLog(first);

        verifyCompletedBy(rig.start(), ids);
    }

    @Test
    void killedWithinTheDrain_restartPaysForNothingTwice() {
        List<String> ids = rig.texts(1_000);
        rig.model().hold(call -> call.id().endsWith("7"));
        rig.publish(ids);
        PawlProcess first = rig.start();
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(() -> doneAtLeast(200));

        first.signalTermination();
        // What is not held has been answered, and is in the file.
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> first.log().contains("documents in work, at most")
                && answersInTheCheckpoint() == rig.model().total() - rig.model().inAir());
        first.kill();
        Set<String> finished = finished();
        rig.model().release();

        rig.start();
        await().atMost(PATIENCE).until(() -> rig.uncommitted() == 0);
        Map<String, Integer> counts = rig.model().counts();
        assertThat(finished).hasSizeGreaterThan(200).allSatisfy(call -> assertThat(counts.get(call)).as(call).isEqualTo(1));
        assertThat(counts).hasSize(ids.size() * Rig.STEPS.size());
        assertThat(counts.values()).as("what was in the air may be called again").allMatch(called -> called <= 2);
        assertThat(rig.checkpoint("done").map(CheckpointFile.Line::id)).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(resultIds()).containsExactlyInAnyOrderElementsOf(ids);
    }

    @Test
    void restartedAgainAndAgainUnderLoad_repeatsNoCallAndEveryResultIsThere() {
        List<String> ids = rig.texts(1_000 * RESTARTS);
        rig.publish(ids);
        List<String> report = new ArrayList<>();
        PawlProcess pawl = rig.start();
        for (int restart = 1; restart <= RESTARTS; restart++) {
            long done = 400L * restart;
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(5)).until(() -> doneAtLeast(done));
            long signal = System.nanoTime();
            assertThat(pawl.terminate()).isZero();
            long ended = System.nanoTime();
            verifyCalmLog(pawl);
            int calls = rig.model().total();
            pawl = rig.launch();
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(2)).until(() -> rig.model().total() > calls);
            long called = System.nanoTime();
            report.add("%d: %,d ms to end, %,d ms to the first new call, %,d ms without one".formatted(restart,
                    (ended - signal) / 1_000_000, (called - ended) / 1_000_000, (called - signal) / 1_000_000));
        }
        System.out.printf("RestartsIT: from SIGTERM%n  %s%n", String.join("%n  ".formatted(), report));

        verifyCompletedBy(pawl, ids);
    }

    private static int number(String id) {
        return Integer.parseInt(id.substring("doc-".length()));
    }

    private boolean doneAtLeast(long documents) {
        return rig.checkpoint("done").count() >= documents;
    }

    private long answersInTheCheckpoint() {
        return rig.checkpoint("step").count() + rig.checkpoint("done").count();
    }

    /** Calls whose answers are durable, by the name the model counts them under. */
    private Set<String> finished() {
        Set<String> finished = rig.checkpoint("step").map(line -> "summary/" + line.id()).collect(Collectors.toSet());
        rig.checkpoint("done").forEach(line -> finished.add("entities/" + line.id()));
        return finished;
    }

    private Set<String> resultIds() {
        return rig.results().stream().map(result -> Reader.text(result.key())).collect(Collectors.toSet());
    }

    private void verifyCompletedBy(PawlProcess last, List<String> ids) {
        await().atMost(PATIENCE).until(() -> rig.uncommitted() == 0);
        assertThat(rig.model().counts().values()).as("calls of a step of a document").hasSize(ids.size() * Rig.STEPS.size()).containsOnly(1);
        assertThat(rig.checkpoint("done").map(CheckpointFile.Line::id)).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(resultIds()).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(last.terminate()).isZero();
        verifyCalmLog(last);
    }

    private static void verifyCalmLog(PawlProcess process) {
        assertThat(process.log()).doesNotContain("ERROR", "WARN", "Exception");
    }
}
