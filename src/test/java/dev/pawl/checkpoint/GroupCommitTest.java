package dev.pawl.checkpoint;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.checkpoint.Checkpoint.ClosedException;
import dev.pawl.harness.CheckpointFile;

@Timeout(30)
class GroupCommitTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    private final FaultyDisk disk = new FaultyDisk();
    private final FaultyDisk otherDisk = new FaultyDisk();
    private final GroupCommit groupCommit = new GroupCommit();
    private Checkpoint checkpoint;
    private Checkpoint other;

    @BeforeEach
    void open() throws IOException {
        checkpoint = open("documents-3", disk);
        other = open("documents-4", otherDisk);
    }

    @AfterEach
    void close() throws IOException {
        disk.gate.countDown();
        checkpoint.close();
        other.close();
        groupCommit.close();
    }

    @Test
    void appendsThatWait_shareOneWriteAndOneForceAFile() {
        CompletableFuture<Void> first = holdTheDiskUp();
        List<CompletableFuture<Void>> appends = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            appends.add(checkpoint.append(Lines.done("doc-" + i)));
            appends.add(other.append(Lines.done("other-" + i)));
        }

        disk.gate.countDown();
        all(appends).join();

        assertThat(first).succeedsWithin(PATIENCE);
        assertThat(disk.writes).hasValue(2);
        assertThat(disk.forces).hasValue(2);
        assertThat(otherDisk.writes).hasValue(1);
        assertThat(otherDisk.forces).hasValue(1);
    }

    @Test
    void groupThatMixesFiles_keepsTheOrderOfEachAndFindsEveryLine() {
        holdTheDiskUp();
        List<CompletableFuture<Void>> appends = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Checkpoint file = i % 3 == 0 ? checkpoint : other;
            appends.add(file.append(Lines.done("doc-" + i, Lines.TS, "x".repeat(i))));
        }

        disk.gate.countDown();
        all(appends).join();

        for (int i = 0; i < 100; i++) {
            CheckpointLine line = Lines.done("doc-" + i, Lines.TS, "x".repeat(i));
            assertThat(checkpoint.find(line.id()).last()).isEqualTo(i % 3 == 0 ? line : null);
            assertThat(other.find(line.id()).last()).isEqualTo(i % 3 == 0 ? null : line);
        }
        assertThat(CheckpointFile.read(checkpoint.path())).extracting(CheckpointFile.Line::id)
                .startsWith("first", "doc-0", "doc-3", "doc-6").endsWith("doc-96", "doc-99").hasSize(35);
        assertThat(CheckpointFile.read(other.path())).extracting(CheckpointFile.Line::id)
                .startsWith("doc-1", "doc-2", "doc-4").endsWith("doc-97", "doc-98").hasSize(66);
    }

    @Test
    void moreThanAGroupHolds_isWrittenInOrder() {
        holdTheDiskUp();
        List<CompletableFuture<Void>> appends = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            appends.add(checkpoint.append(Lines.forgotten("doc-" + i)));
        }

        disk.gate.countDown();
        all(appends).join();

        assertThat(disk.forces).hasValueBetween(4, 6);
        List<CheckpointFile.Line> lines = CheckpointFile.read(checkpoint.path());
        assertThat(lines).hasSize(10_001);
        for (int i = 0; i < 10_000; i++) {
            assertThat(lines.get(i + 1).id()).isEqualTo("doc-" + i);
        }
    }

    @Test
    void appendThatIsNotForcedYet_isNeitherAnsweredNorFound() {
        CompletableFuture<Void> first = holdTheDiskUp();

        assertThat(first).isNotDone();
        assertThat(checkpoint.find("first")).isEqualTo(History.NONE);
        disk.gate.countDown();
        first.join();

        assertThat(checkpoint.find("first").last()).isEqualTo(Lines.done("first"));
    }

    @Test
    void barrier_comesAfterWhatWasSubmittedBefore() {
        holdTheDiskUp();
        checkpoint.append(Lines.done("second"));
        List<CheckpointLine> found = new ArrayList<>();

        CompletableFuture<Void> barrier = CompletableFuture.runAsync(() -> groupCommit.await(
                () -> found.addAll(List.of(checkpoint.find("first").last(), checkpoint.find("second").last()))));
        disk.gate.countDown();
        barrier.join();

        assertThat(found).containsExactly(Lines.done("first"), Lines.done("second"));
    }

    @Test
    void closing_letsWhatWaitsBeWritten() {
        holdTheDiskUp();
        CompletableFuture<Void> second = checkpoint.append(Lines.done("second"));

        CompletableFuture<Void> closed = CompletableFuture.runAsync(groupCommit::close);
        disk.gate.countDown();
        closed.join();

        // Answered on a thread of its own.
        assertThat(second).succeedsWithin(PATIENCE);
        assertThat(CheckpointFile.read(checkpoint.path())).extracting(CheckpointFile.Line::id).containsExactly("first", "second");
    }

    @Test
    void appendAfterTheEnd_failsAndNobodyWaitsForEver() {
        groupCommit.close();

        CompletableFuture<Void> append = checkpoint.append(Lines.done("late"));

        assertThatThrownBy(() -> append.get(5, SECONDS)).hasCauseInstanceOf(ClosedException.class);
        assertThat(checkpoint.path()).isEmptyFile();
    }

    /** Returns once the writer is in the write of an append, which waits for the gate. */
    private CompletableFuture<Void> holdTheDiskUp() {
        disk.gate = new CountDownLatch(1);
        CompletableFuture<Void> first = checkpoint.append(Lines.done("first"));
        await().until(() -> disk.writes.get() == 1);
        return first;
    }

    private static CompletableFuture<Void> all(List<CompletableFuture<Void>> appends) {
        return CompletableFuture.allOf(appends.toArray(CompletableFuture[]::new));
    }

    private Checkpoint open(String partition, FaultyDisk onDisk) throws IOException {
        return Opening.with(groupCommit).with(onDisk).open(directory.resolve(partition + ".jsonl"));
    }
}
