package dev.pawl;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

import dev.pawl.harness.PawlProcess;
import dev.pawl.harness.Rig;
import dev.pawl.harness.TestBroker;

/**
 * What people do to the checkpoint while Pawl is stopped, one kind a partition, and what the next life makes of it when every
 * document is published again.
 */
@ParameterizedClass
@EnumSource
class PeopleIT {

    /** How Pawl was stopped, and how the files were changed. */
    enum Way {
        /** {@code echo >>}, {@code sponge}, some editors: the file stays the one it was. */
        TERMINATED_AND_WRITTEN_IN_PLACE,
        /** {@code sed -i}, {@code mv}, other editors: a new file takes the old one's name. */
        KILLED_AND_REPLACED
    }

    private static final int EDITED = 0;
    private static final int RESTORED = 1;
    private static final int COPIED = 2;
    private static final int COVERED = 3;

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    static Path directory;

    private static Rig rig;
    private static PawlProcess pawl;

    @Parameter
    Way way;

    @BeforeParameterizedClassInvocation
    static void liveOnceEditAndLiveAgain(Way way) throws IOException {
        rig = new Rig(TestBroker.shared(), directory.resolve(way.name()))
                .config("mp.messaging.incoming.documents.auto.commit.interval.ms", "100")
                .config("pawl.shutdown.drain", "500ms");
        rig.model().hold(call -> call.key().equals("summary/in-work"));
        pawl = rig.start();
        publish(EDITED, "neighbour-before", "done-line-deleted", "all-lines-deleted", "broken", "neighbour-after");
        publish(COPIED, "copied");
        publish(COVERED, "covered");
        publish(RESTORED, "before-the-copy");
        rig.awaitAllCommitted();
        byte[] yesterdays = Files.readAllBytes(rig.checkpointFile(RESTORED));
        publish(RESTORED, "acknowledged-since", "in-work", "done-since");
        await().atMost(PATIENCE).until(() -> rig.uncommitted() == 2 && rig.results("done-since").size() == 1 && rig.model().inAir() == 1);

        stop(way);
        rig.model().release();
        edit(way);
        save(way, RESTORED, yesterdays);
        save(way, COVERED, Files.readAllBytes(rig.checkpointFile(COPIED)));

        pawl = rig.start();
        publish(EDITED, "neighbour-before", "done-line-deleted", "all-lines-deleted", "broken", "neighbour-after");
        publish(EDITED, "appended", "appended-with-ts");
        publish(COPIED, "copied");
        publish(COVERED, "covered", "copied");
        publish(RESTORED, "before-the-copy", "acknowledged-since");
        rig.awaitAllCommitted();
    }

    @AfterParameterizedClassInvocation
    static void close() {
        rig.close();
    }

    @Test
    void linesAppendedByHand_areDone() {
        assertCalls("appended", 0, 0);
        assertCalls("appended-with-ts", 0, 0);
        assertThat(rig.results("appended")).isEmpty();
    }

    @Test
    void doneLineDeleted_runsAgain() {
        // Its summary may still have a line of its own: then that is no call.
        assertThat(rig.model().calls("summary", "done-line-deleted")).hasSizeBetween(1, 2);
        assertThat(rig.model().calls("entities", "done-line-deleted")).hasSize(2);
        assertThat(rig.results("done-line-deleted")).hasSize(2);
    }

    @Test
    void allLinesDeleted_runsAgainFromTheFirstStep() {
        assertCalls("all-lines-deleted", 2, 2);
        assertThat(rig.results("all-lines-deleted")).hasSize(2);
    }

    @Test
    void lineChangedWithoutItsCrc_runsAgainAndItsNeighboursDoNot() {
        assertThat(rig.model().calls("entities", "broken")).hasSize(2);
        assertThat(rig.results("broken")).hasSize(2);
        assertThat(pawl.log()).contains("passed over 1 malformed lines");
        assertCalls("neighbour-before", 1, 1);
        assertCalls("neighbour-after", 1, 1);
    }

    @Test
    void yesterdaysCopyRestored_whatCameSinceRunsAgain() {
        assertCalls("before-the-copy", 1, 1);
        assertCalls("acknowledged-since", 2, 2);
        assertCalls("done-since", 2, 2);
        assertThat(rig.model().calls("entities", "in-work")).hasSize(1);
        assertThat(rig.results("in-work")).hasSize(1);
    }

    @Test
    void fileCopiedOverAnother_countsAsWhatItSays() {
        assertCalls("copied", 1, 1);
        assertThat(rig.results("copied")).hasSize(1);
        assertCalls("covered", 2, 2);
    }

    private static void publish(int partition, String... ids) {
        for (String id : ids) {
            rig.text(id, "The text of " + id + ".");
            rig.publish(partition, id, id);
        }
    }

    private static void stop(Way way) {
        switch (way) {
            case TERMINATED_AND_WRITTEN_IN_PLACE -> assertThat(pawl.terminate()).isZero();
            case KILLED_AND_REPLACED -> pawl.kill();
        }
    }

    private static void edit(Way way) throws IOException {
        List<String> lines = new ArrayList<>(Files.readAllLines(rig.checkpointFile(EDITED)));
        lines.removeIf(line -> line.startsWith("{\"id\":\"done-line-deleted\"") && line.contains("\"status\":\"done\""));
        lines.removeIf(line -> line.startsWith("{\"id\":\"all-lines-deleted\""));
        lines.replaceAll(line -> line.contains("\"status\":\"done\"") ? line.replace("summary of broken", "summary of Broken") : line);
        lines.add("{\"id\":\"appended\"}");
        lines.add("{\"id\":\"appended-with-ts\",\"ts\":1748107200}");
        // No newline at the end, as some editors leave it.
        save(way, EDITED, String.join("\n", lines).getBytes(UTF_8));
    }

    private static void save(Way way, int partition, byte[] content) throws IOException {
        Path file = rig.checkpointFile(partition);
        Object before = identity(file);
        switch (way) {
            case TERMINATED_AND_WRITTEN_IN_PLACE -> {
                Files.write(file, content);
                assertThat(identity(file)).isEqualTo(before);
            }
            case KILLED_AND_REPLACED -> {
                Path other = Files.write(file.resolveSibling(file.getFileName() + "~"), content);
                Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
                assertThat(identity(file)).isNotEqualTo(before);
            }
        }
    }

    /** Device and inode. */
    private static Object identity(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    private static void assertCalls(String id, int summary, int entities) {
        assertThat(Map.of("summary", rig.model().calls("summary", id).size(), "entities", rig.model().calls("entities", id).size()))
                .as("calls of " + id).isEqualTo(Map.of("summary", summary, "entities", entities));
    }
}
