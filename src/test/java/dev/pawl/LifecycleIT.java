package dev.pawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.harness.Beside;
import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel;
import dev.pawl.harness.TestBroker;

/** How a process ends, and how its partitions and files go to another. */
class LifecycleIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String INSTANCE_ID = "mp.messaging.incoming.documents.group.instance.id";
    /** sysexits.h. */
    private static final int EX_IOERR = 74;

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
    void terminatedInTheMiddleOfCalls_keepsTheirAnswersAndMakesNoFurtherCall() {
        rig.config("pawl.max-in-flight", "10").config("pawl.provider.backoff", "20ms");
        List<String> ids = rig.texts(30);
        rig.model().hold(call -> call.step().equals("summary"));
        rig.publish(ids);
        PawlProcess first = rig.start();
        await().atMost(PATIENCE).until(() -> rig.model().inAir() == 10);

        CompletableFuture<Integer> exit = Beside.supply(first::terminate);
        await().atMost(PATIENCE).until(() -> first.log().contains("Waiting for 10 documents in work"));
        rig.model().release();

        assertThat(exit.join()).isZero();
        assertThat(rig.model().total()).isEqualTo(10);
        assertThat(rig.checkpoint("step")).hasSize(10);
        rig.start();
        await().atMost(PATIENCE).until(() -> rig.uncommitted() == 0);
        assertThat(rig.model().total()).isEqualTo(30 * Rig.STEPS.size());
    }

    @Test
    void terminatedWhileACallHangs_endsOnceTheDrainTimeoutIsOver() {
        rig.config("pawl.shutdown.drain", "1s");
        rig.model().hold();
        rig.publish(rig.texts(1));
        PawlProcess first = rig.start();
        await().atMost(PATIENCE).until(() -> rig.model().inAir() == 1);

        CompletableFuture<Integer> exit = Beside.supply(first::terminate);

        // Kubernetes grants 30 s by default.
        assertThat(exit).succeedsWithin(Duration.ofSeconds(30)).isEqualTo(0);
        assertThat(rig.uncommitted()).isEqualTo(1);
    }

    @Test
    void filesHeldByAnotherProcess_secondNamesItAndEnds() {
        rig.publish(rig.texts(1));
        PawlProcess first = rig.start();
        await().atMost(PATIENCE).until(() -> rig.uncommitted() == 0);

        rig.config("pawl.consumer-group", "another-" + rig.topics().documents());
        PawlProcess second = rig.launch();

        assertThat(second.awaitExit(PATIENCE)).isEqualTo(EX_IOERR);
        assertThat(second.log()).contains("is held by process " + first.pid());
        assertThat(first.isAlive()).isTrue();

        first.kill();
        rig.start();
        await().atMost(PATIENCE).until(() -> rig.uncommitted() == 0);
    }

    @Test
    void partitionLeavesAfterALongDrain_whatWasCommittedStaysCommitted() {
        rig.without(INSTANCE_ID).config("pawl.chain.steps", "summary")
                // Under this one a commit may come after the partition has left.
                .config("pawl.group-protocol", "consumer")
                .config("mp.messaging.incoming.documents.auto.commit.interval.ms", "50");
        CountDownLatch firstHalf = new CountDownLatch(1);
        CountDownLatch secondHalf = new CountDownLatch(1);
        rig.model().answer(call -> {
            awaitUninterruptibly(call.id().endsWith("first") ? firstHalf : secondHalf);
            return ScriptedModel.usualAnswer(call);
        });
        for (int partition = 0; partition < rig.topics().partitions(); partition++) {
            for (String id : List.of(partition + "-first", partition + "-second")) {
                rig.text(id, "A text.");
                rig.publish(partition, id, id);
            }
        }
        PawlProcess first = rig.start();
        await().atMost(PATIENCE).until(() -> rig.model().inAir() == 8);
        PawlProcess second = rig.launch();
        await().atMost(PATIENCE).until(() -> first.log().contains("documents in work, at most"));

        firstHalf.countDown();
        await().atMost(PATIENCE).until(() -> rig.results().size() == 4);
        // Several commits are due, and wait for the poll that waits for the second half.
        await().pollDelay(Duration.ofMillis(500)).until(() -> true);
        secondHalf.countDown();

        await().atMost(PATIENCE).until(() -> second.log().contains("2 done, 0 failed"));
        rig.awaitAllCommitted();
        assertThat(rig.results()).as("what was committed is not delivered again").hasSize(8);
    }

    @Test
    void allDone_isCommittedSoonAndNotOnlyWhenTheNextCommitIsDue() {
        rig.config("mp.messaging.incoming.documents.auto.commit.interval.ms", "3600000");
        PawlProcess pawl = rig.start();
        rig.publish(rig.texts(3));
        await().atMost(PATIENCE).until(() -> rig.results().size() == 3);
        pawl.kill();
        assertThat(rig.uncommitted()).as("a tenth of an hour is not over").isEqualTo(3);

        rig.config("mp.messaging.incoming.documents.auto.commit.interval.ms", "100000");
        rig.start();

        await().atMost(Duration.ofSeconds(60)).until(() -> rig.uncommitted() == 0);
    }

    @Test
    void nothingMovesForLongerThanAllowed_livenessTurnsDownAndSaysWhyUntilSomethingDoes() {
        rig.config("pawl.stuck-after", "1s");
        rig.model().hold();
        PawlProcess pawl = rig.startOwningAll();
        assertThat(pawl.get("/q/health/live").body()).contains("\"state\": \"idle\"");

        rig.publish(rig.texts(3));

        await().atMost(PATIENCE).untilAsserted(() -> {
            PawlProcess.Response live = pawl.get("/q/health/live");
            assertThat(live.status()).isEqualTo(503);
            assertThat(live.body()).contains("\"state\": \"stuck\"", "no call was answered or failed and no document ended since", "in work and");
        });
        assertThat(pawl.get("/progress").body()).contains("\"state\":\"stuck\"");
        await().atMost(PATIENCE).until(() -> pawl.log().contains("Stuck: "));
        rig.model().release();
        rig.awaitAllCommitted();
        await().atMost(PATIENCE).until(() -> pawl.get("/q/health/live").status() == 200 && pawl.log().contains("Not stuck any more"));
    }

    @Test
    void diskTakesNoMore_notReadyWithTheReasonThenEndsAndRestartLosesNothing() throws IOException, InterruptedException {
        rig.config("pawl.max-in-flight", "20");
        List<String> ids = rig.texts(40);
        rig.publish(ids.subList(0, 20));
        PawlProcess first = rig.start();
        await().atMost(PATIENCE).until(() -> rig.uncommitted() == 0);

        limitFileSizeToWhatIsThere(first);
        rig.publish(ids.subList(20, 40));

        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> {
            PawlProcess.Response ready = first.get("/q/health/ready");
            return ready.status() == 503 && ready.body().contains("can't be written any more: File too large");
        });
        assertThat(first.awaitExit(PATIENCE)).isEqualTo(EX_IOERR);
        assertThat(rig.uncommitted()).isPositive();

        rig.start();
        await().atMost(PATIENCE).until(() -> rig.uncommitted() == 0);
        assertThat(rig.checkpoint("done").map(CheckpointFile.Line::id)).containsExactlyInAnyOrderElementsOf(ids);
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException closing) {
            throw new IllegalStateException(closing);
        }
    }

    /** A real fault of the disk's kind, for that process alone: its next write fails with EFBIG, to its log as well. */
    private void limitFileSizeToWhatIsThere(PawlProcess process) throws IOException, InterruptedException {
        long smallest = Long.MAX_VALUE;
        for (int partition = 0; partition < rig.topics().partitions(); partition++) {
            smallest = Math.min(smallest, Files.size(rig.checkpointFile(partition)));
        }
        int exit = new ProcessBuilder("prlimit", "--pid", Long.toString(process.pid()), "--fsize=" + (smallest + 100)).inheritIO().start().waitFor();
        assertThat(exit).as("prlimit, of util-linux").isZero();
    }
}
