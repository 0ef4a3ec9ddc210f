package dev.pawl;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Reader;
import dev.pawl.harness.Rig;
import dev.pawl.harness.ScriptedModel.Call;
import dev.pawl.harness.TestBroker;

/** Two processes over one directory and without a mirror: a file goes where its partition goes, and its lock says when. */
class SharedVolumeIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration SESSION = Duration.ofSeconds(6);
    private static final int MAX_IN_FLIGHT = 8;

    @TempDir
    Path directory;

    private Rig rig;

    @BeforeEach
    void open() {
        rig = new Rig(TestBroker.shared(), directory)
                .without("mp.messaging.incoming.documents.group.instance.id")
                .config("mp.messaging.incoming.documents.session.timeout.ms", Long.toString(SESSION.toMillis()))
                .config("mp.messaging.incoming.documents.heartbeat.interval.ms", "500")
                .config("pawl.max-in-flight", Integer.toString(MAX_IN_FLIGHT));
    }

    @AfterEach
    void close() {
        rig.close();
    }

    @Test
    void ownerThatStandsStillWithItsFiles_isWaitedForAndNothingIsCalledAgain() {
        rig.config("quarkus.langchain4j.openai.api-key", "one");
        PawlProcess one = rig.start();
        rig.config("quarkus.langchain4j.openai.api-key", "two");
        PawlProcess two = rig.start();
        await("two partitions each").atMost(PATIENCE).until(() -> owned(one) == 2 && owned(two) == 2);
        List<String> ids = rig.texts(80);
        rig.model().hold(call -> isOf("one", call));
        rig.publish(ids.subList(0, 40));
        await("calls of both").atMost(PATIENCE).until(() -> rig.model().calls().stream().filter(call -> isOf("one", call)).count() == MAX_IN_FLIGHT
                && rig.model().calls().stream().anyMatch(call -> isOf("two", call)));

        one.suspend();
        Set<String> inTheAir = rig.model().calls().stream().filter(call -> isOf("one", call)).map(Call::key).collect(toSet());
        await("two waits").atMost(PATIENCE).until(() -> two.log().contains("waits for its checkpoint: ") && two.log().contains("is held by process " + one.pid()));
        // They go to partitions of both; those of the other's own are done meanwhile.
        rig.publish(ids.subList(40, 80));
        await("two goes on").atMost(PATIENCE).until(() -> endedOf(ids.subList(40, 80)).size() > 5 && rig.model().inAir() == MAX_IN_FLIGHT);
        assertThat(rig.model().calls()).filteredOn(call -> isOf("two", call)).extracting(Call::key).doesNotContainAnyElementsOf(inTheAir);
        one.resume();
        rig.model().release();

        rig.awaitAllCommitted();
        assertThat(rig.model().counts()).hasSize(ids.size() * Rig.STEPS.size()).allSatisfy((call, times) -> assertThat(times).as(call).isEqualTo(1));
        assertThat(endedOf(ids)).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(rig.checkpoint("done").map(CheckpointFile.Line::id)).containsExactlyInAnyOrderElementsOf(ids);
        // What could not be committed any more is emitted again, as the same.
        assertThat(rig.results().stream().map(result -> Reader.header(result, "ce_id")).distinct()).hasSize(ids.size());
        assertThat(List.of(one, two)).allMatch(PawlProcess::isAlive);
    }

    @Test
    void processesComeAndGo_filesGoWithTheirPartitionsAndNothingIsCalledAgain() {
        // Slow at first: the second process may take long to start, and is to find most of them.
        rig.model().delay(Duration.ofMillis(500));
        List<String> ids = rig.texts(300);
        rig.publish(ids);
        PawlProcess one = rig.start();
        await().atMost(PATIENCE).until(() -> rig.results().size() > 20);
        PawlProcess two = rig.start();
        await().atMost(PATIENCE).until(() -> owned(two) == 2);
        rig.model().delay(Duration.ofMillis(100));
        int before = rig.results().size();
        await().atMost(PATIENCE).until(() -> rig.results().size() > before + 20);

        assertThat(one.terminate()).isZero();
        PawlProcess three = rig.start();

        rig.awaitAllCommitted();
        assertThat(rig.model().counts()).hasSize(ids.size() * Rig.STEPS.size()).allSatisfy((call, times) -> assertThat(times).as(call).isEqualTo(1));
        assertThat(rig.checkpoint("done").map(CheckpointFile.Line::id)).containsExactlyInAnyOrderElementsOf(ids);
        assertThat(List.of(two, three)).allMatch(PawlProcess::isAlive);
    }

    private static boolean isOf(String process, Call call) {
        return call.headers().get("authorization").equals("Bearer " + process);
    }

    private static long owned(PawlProcess process) {
        return process.get("/progress").body().split("\"partition\":", -1).length - 1;
    }

    private Set<String> endedOf(List<String> ids) {
        Set<String> ended = rig.results().stream().map(result -> Reader.text(result.key())).collect(toSet());
        ended.retainAll(new HashSet<>(ids));
        return ended;
    }
}
