package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Step;
import dev.pawl.checkpoint.Checkpoints.Totals;
import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.Configs;
import io.quarkus.runtime.configuration.ConfigurationException;

@Timeout(30)
class CheckpointsTest {

    private static final Instant EARLIER = Lines.TS;
    private static final Instant LATER = Lines.TS.plusSeconds(1);

    @TempDir
    Path directory;

    private Checkpoints checkpoints;
    private Checkpoint three;
    private Checkpoint four;

    @BeforeEach
    void open() throws IOException {
        checkpoints = checkpoints(directory.resolve("deep/down"));
        three = checkpoints.open("documents-3");
        four = checkpoints.open("documents-4");
    }

    @AfterEach
    void close() {
        checkpoints.closeAll();
    }

    @Test
    void missingDirectory_isCreatedWithAFileAPartition() {
        assertThat(directory.resolve("deep/down/documents-3.jsonl")).exists();
        assertThat(directory.resolve("deep/down/documents-4.jsonl")).exists();
        assertThat(directory.resolve("deep/down")).isDirectoryNotContaining(file -> file.getFileName().toString().startsWith(".writable"));
    }

    @Test
    void document_isFoundWhicheverFileHoldsIt() {
        three.append(Lines.done("doc-3")).join();
        four.append(Lines.step("doc-4", "summary", "s")).join();

        assertThat(checkpoints.find("doc-3").last()).isEqualTo(Lines.done("doc-3"));
        assertThat(checkpoints.find("doc-3", four).last()).isEqualTo(Lines.done("doc-3"));
        assertThat(checkpoints.find("doc-4").steps()).containsOnlyKeys("summary");
        assertThat(checkpoints.find("doc-4", three).steps()).containsOnlyKeys("summary");
        assertThat(checkpoints.find("doc-5", three)).isEqualTo(History.NONE);
    }

    @Test
    void latestWord_wins() {
        three.append(Lines.failed("doc-1", EARLIER)).join();
        four.append(Lines.done("doc-1", LATER, "s")).join();
        three.append(Lines.failed("doc-2", LATER)).join();
        four.append(Lines.done("doc-2", EARLIER, "s")).join();

        for (Checkpoint own : new Checkpoint[] {three, four}) {
            assertThat(checkpoints.find("doc-1", own).last()).isInstanceOf(CheckpointLine.Done.class);
        }
        assertThat(checkpoints.find("doc-1").last()).isInstanceOf(CheckpointLine.Done.class);
        assertThat(checkpoints.find("doc-2").last()).isInstanceOf(CheckpointLine.Failed.class);
        assertThat(checkpoints.find("doc-2", three).last()).isInstanceOf(CheckpointLine.Failed.class);
    }

    @Test
    void manyAtOnce_areFoundWhereOneIs() {
        String result = "a".repeat(300 << 10);
        three.append(Lines.done("own")).join();
        four.append(Lines.done("another's")).join();
        three.append(Lines.done("long", EARLIER, result)).join();
        three.append(Lines.failed("failed")).join();
        four.append(Lines.done("done since", LATER, "s")).join();
        three.append(Lines.failed("done since", EARLIER)).join();
        four.append(Lines.done("forgotten", EARLIER, "s")).join();
        four.append(Lines.forgotten("forgotten", LATER)).join();
        List<String> ids = List.of("own", "another's", "long", "failed", "unknown", "done since", "forgotten", "");

        CheckpointLine.Done[] found = checkpoints.findDone(ids, three);

        assertThat(Arrays.stream(found).map(done -> done == null ? null : done.id()))
                .containsExactly("own", "another's", "long", null, null, "done since", null, null);
        for (int i = 0; i < found.length; i++) {
            CheckpointLine last = checkpoints.find(ids.get(i), three).last();
            assertThat(found[i]).isEqualTo(last instanceof CheckpointLine.Done ? last : null);
        }
    }

    /** A document done in its own partition is skipped without a look into the others. */
    @Test
    void ownPartition_isAskedFirst() {
        three.append(Lines.done("doc-1", EARLIER, "own")).join();
        four.append(Lines.done("doc-1", LATER, "other")).join();

        assertThat(checkpoints.find("doc-1", three).steps().get("summary").output().asText()).isEqualTo("own");
        assertThat(checkpoints.find("doc-1", four).steps().get("summary").output().asText()).isEqualTo("other");
    }

    @Test
    void stepsOfSeveralFiles_areJoined() {
        three.append(Lines.step("doc-1", "summary", "s")).join();
        four.append(Lines.step("doc-1", "entities", "e")).join();

        assertThat(checkpoints.find("doc-1", three).steps()).containsOnlyKeys("summary", "entities");
        assertThat(checkpoints.find("doc-1").steps()).containsOnlyKeys("summary", "entities");
    }

    @Test
    void stepsAfterATombstone_countThoughAnotherFileHoldsTheTombstone() {
        three.append(Lines.forgotten("doc-1", EARLIER)).join();
        four.append(Lines.step("doc-1", "summary", "s")).join();

        for (Checkpoint own : new Checkpoint[] {three, four}) {
            assertThat(checkpoints.find("doc-1", own).steps()).containsOnlyKeys("summary");
        }
    }

    @Test
    void failedDocumentWithSteps_isNotUnfinished() {
        three.append(Lines.step("doc-1", "summary", "s")).join();
        three.append(Lines.step("doc-2", "summary", "s")).join();
        three.append(Lines.failed("doc-2", LATER)).join();

        assertThat(checkpoints.totals()).isEqualTo(new Checkpoints.Totals(0, 1, 0, 1));
        assertThat(checkpoints.find("doc-2").steps()).containsOnlyKeys("summary");
    }

    @Test
    void forgottenLast_leavesNothingOfWhatOthersHoldFromBefore() {
        three.append(Lines.done("doc-1", EARLIER, "s")).join();
        four.append(Lines.forgotten("doc-1", LATER)).join();

        assertThat(checkpoints.find("doc-1").last()).isEqualTo(Lines.forgotten("doc-1", LATER));
        assertThat(checkpoints.find("doc-1").steps()).isEmpty();
    }

    @Test
    void forget_coversEveryFileThatKnowsTheDocument() throws IOException {
        Checkpoint five = checkpoints.open("documents-5");
        three.append(Lines.done("doc-1", EARLIER, "s")).join();
        four.append(Lines.step("doc-1", "summary", "s")).join();

        checkpoints.forget(Lines.forgotten("doc-1", LATER), three).join();

        assertThat(CheckpointFile.read(three.path())).extracting(CheckpointFile.Line::status).containsExactly("done", "forgotten");
        assertThat(CheckpointFile.read(four.path())).extracting(CheckpointFile.Line::status).containsExactly("step", "forgotten");
        assertThat(five.path()).isEmptyFile();
        for (Checkpoint own : new Checkpoint[] {three, four, five}) {
            assertThat(checkpoints.find("doc-1", own)).isEqualTo(new History(Lines.forgotten("doc-1", LATER), Map.of()));
        }
    }

    /** A crash may fall between the tombstone's line and its offset. */
    @Test
    void tombstoneThatComesAgain_leavesWhatALaterRecordLedTo() throws IOException {
        three.append(done("doc-1", 847)).join();
        checkpoints.forget(Lines.forgotten("doc-1"), three).join();
        checkpoints.forget(Lines.forgotten("doc-1"), three).join();
        three.append(new Step("doc-1", LATER, "documents-3@902", Lines.step("doc-1", "summary", "s").output())).join();

        checkpoints.forget(Lines.forgotten("doc-1"), three).join();

        assertThat(checkpoints.find("doc-1").steps()).containsOnlyKeys("summary");
        three.append(done("doc-1", 902)).join();

        checkpoints.forget(Lines.forgotten("doc-1"), three).join();

        assertThat(checkpoints.find("doc-1").last()).isEqualTo(done("doc-1", 902));
        assertThat(CheckpointFile.read(three.path())).extracting(CheckpointFile.Line::status).containsExactly("done", "forgotten", "step", "done");
    }

    private static Done done(String id, long offset) {
        Done done = Lines.done(id);
        return new Done(id, done.ts(), "documents-3@" + offset, done.fingerprint(), done.answer(), done.usage(), done.durationMs());
    }

    /** Its next owner has to know for itself; the tombstone's own partition goes on. */
    @Test
    void forgettingWhileAnotherPartitionIsClosed_succeeds() throws IOException {
        three.append(Lines.done("doc-1", EARLIER, "s")).join();
        four.append(Lines.done("doc-1", EARLIER, "s")).join();
        four.stopAppends();

        checkpoints.forget(Lines.forgotten("doc-1", LATER), three).join();

        assertThat(CheckpointFile.read(three.path())).extracting(CheckpointFile.Line::status).containsExactly("done", "forgotten");
    }

    @Test
    void forgettingWhileItsOwnPartitionIsClosed_fails() {
        three.append(Lines.done("doc-1", EARLIER, "s")).join();
        three.stopAppends();

        assertThatThrownBy(() -> checkpoints.forget(Lines.forgotten("doc-1", LATER), three).join())
                .hasCauseInstanceOf(Checkpoint.ClosedException.class);
    }

    @Test
    void forgettingAnUnknownDocument_writesNothing() {
        checkpoints.forget(Lines.forgotten("doc-1"), three).join();

        assertThat(three.path()).isEmptyFile();
        assertThat(four.path()).isEmptyFile();
    }

    @Test
    void totals_coverAllOpenFiles() {
        three.append(Lines.done("doc-1")).join();
        four.append(Lines.done("doc-2")).join();
        four.append(Lines.failed("doc-3")).join();
        four.append(Lines.step("doc-4", "summary", "s")).join();
        three.append(Lines.done("doc-5")).join();
        three.append(Lines.forgotten("doc-5")).join();

        assertThat(checkpoints.totals()).isEqualTo(new Totals(2, 1, 1, 1));
        checkpoints.close(List.of("documents-4"));
        assertThat(checkpoints.totals()).isEqualTo(new Totals(1, 0, 1, 0));
    }

    @Test
    void closedPartition_isAskedNoMoreAndMayBeOpenedAgain() throws IOException {
        three.append(Lines.done("doc-1")).join();

        checkpoints.close(List.of("documents-3"));
        checkpoints.close(List.of("documents-3"));

        assertThat(checkpoints.find("doc-1")).isEqualTo(History.NONE);
        assertThatThrownBy(three.append(Lines.done("doc-2"))::join).isInstanceOf(CompletionException.class);
        checkpoints.open("documents-3");
        assertThat(checkpoints.find("doc-1").last()).isEqualTo(Lines.done("doc-1"));
    }

    @Test
    void directoryThatCantBeWritten_isRefused() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));

        for (Path impossible : new Path[] {file, file.resolve("below"), Path.of("/proc/pawl")}) {
            assertThatThrownBy(() -> checkpoints(impossible))
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageContainingAll("pawl.checkpoint.directory = " + impossible, "directory that this process may create and write");
        }
    }

    private static Checkpoints checkpoints(Path directory) {
        return new Checkpoints(Configs.of("pawl.checkpoint.directory", directory.toString()), new FailStop(), Clock.systemUTC());
    }
}
