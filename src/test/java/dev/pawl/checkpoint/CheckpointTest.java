package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.PawlConfig.Checkpoint.Durability;
import dev.pawl.Usage;
import dev.pawl.checkpoint.Checkpoint.ClosedException;
import dev.pawl.checkpoint.CheckpointLock.HeldByAnotherException;
import dev.pawl.checkpoint.LineFormat.Status;
import dev.pawl.harness.CheckpointFile;

@Timeout(30)
@ExtendWith(QuietLog.class)
class CheckpointTest {

    @TempDir
    Path directory;

    private final List<String> failures = new ArrayList<>();
    private final FaultyDisk disk = new FaultyDisk();
    private GroupCommit groupCommit;
    private Path file;
    private Checkpoint checkpoint;

    @BeforeEach
    void start() {
        groupCommit = new GroupCommit();
        file = directory.resolve("documents-3.jsonl");
    }

    @AfterEach
    void stop() throws IOException {
        close();
        groupCommit.close();
    }

    @Test
    void missingFile_isCreatedEmpty() throws IOException {
        open();

        assertThat(file).isEmptyFile();
        assertThat(checkpoint.find("doc-1")).isEqualTo(History.NONE);
    }

    @Test
    void appendedLine_isFoundAndInTheFile() throws IOException {
        open();

        checkpoint.append(Lines.done("doc-1")).join();

        assertThat(checkpoint.find("doc-1").last()).isEqualTo(Lines.done("doc-1"));
        assertThat(checkpoint.find("doc-1").steps()).containsOnlyKeys("summary");
        assertThat(checkpoint.find("doc-2")).isEqualTo(History.NONE);
        assertThat(file).hasBinaryContent(LineFormat.encode(Lines.done("doc-1")));
    }

    @Test
    void appendedLines_areFoundAfterReopening() throws IOException {
        open();
        checkpoint.append(Lines.step("doc-1", "summary", "one")).join();
        checkpoint.append(Lines.done("doc-2")).join();
        checkpoint.append(Lines.failed("doc-3")).join();
        checkpoint.append(Lines.done("doc-4")).join();
        checkpoint.append(Lines.forgotten("doc-4")).join();

        reopen();

        assertThat(checkpoint.find("doc-1")).isEqualTo(new History(null,
                Map.of("summary", Lines.step("doc-1", "summary", "one").output())));
        assertThat(checkpoint.find("doc-2").last()).isEqualTo(Lines.done("doc-2"));
        assertThat(checkpoint.find("doc-3").last()).isEqualTo(Lines.failed("doc-3"));
        assertThat(checkpoint.find("doc-4")).isEqualTo(new History(Lines.forgotten("doc-4"), Map.of()));
        assertThat(counts()).containsExactly(1, 1, 1, 1);
    }

    @Test
    void latestStep_isTheOneThatCounts() throws IOException {
        open();
        checkpoint.append(Lines.step("doc-1", "summary", "old")).join();
        checkpoint.append(Lines.step("doc-1", "entities", "kept")).join();
        checkpoint.append(Lines.step("doc-1", "summary", "new")).join();

        assertThat(checkpoint.find("doc-1").steps().values()).extracting(step -> step.output().asText())
                .containsExactlyInAnyOrder("kept", "new");

        reopen();

        assertThat(checkpoint.find("doc-1").steps().values()).extracting(step -> step.output().asText())
                .containsExactlyInAnyOrder("kept", "new");
    }

    @Test
    void emptyFileWithoutLines_takesItsFirst() throws IOException {
        Files.createFile(file);
        open();

        checkpoint.append(Lines.done("doc-1")).join();

        assertThat(file).hasBinaryContent(LineFormat.encode(Lines.done("doc-1")));
    }

    /** The main promise of loading: wherever a kill cuts the file, what was whole counts, and what comes next is whole, too. */
    @Test
    void fileCutAtAnyByte_keepsWhatWasWholeAndGoesOn() throws IOException {
        List<byte[]> lines = List.of(
                LineFormat.encode(Lines.step("doc-ä", "summary", "🦄")),
                "{\"id\":\"doc-hand\"}\n".getBytes(StandardCharsets.UTF_8),
                LineFormat.encode(Lines.forgotten("doc-f")),
                LineFormat.encode(new CheckpointLine.Done("doc-d", Lines.TS, "documents-3@847", "7f3a", new Answer(List.of(), null), Usage.NONE, 0)));
        byte[] whole = concatenate(lines);
        for (int cut = 0; cut <= whole.length; cut++) {
            Files.write(file, Arrays.copyOf(whole, cut));
            open(Durability.OS);

            int left = wholeLines(lines, cut);
            assertThat(checkpoint.find("doc-ä").steps().isEmpty()).as("step, cut at %d", cut).isEqualTo(left < 1);
            assertThat(checkpoint.find("doc-hand").isEmpty()).as("line by hand, cut at %d", cut).isEqualTo(left < 2);
            assertThat(checkpoint.find("doc-f").isEmpty()).as("forgotten, cut at %d", cut).isEqualTo(left < 3);
            assertThat(checkpoint.find("doc-d").isEmpty()).as("done, cut at %d", cut).isEqualTo(left < 4);
            checkpoint.append(Lines.forgotten("doc-next")).join();
            assertThat(checkpoint.find("doc-next").last()).isEqualTo(Lines.forgotten("doc-next"));
            close();

            List<CheckpointFile.Line> read = CheckpointFile.read(file);
            assertThat(read).as("cut at %d", cut).hasSize(left + 1).allMatch(CheckpointFile.Line::valid);
            assertThat(read.getLast().id()).isEqualTo("doc-next");
        }
    }

    /** A line is whole without its newline. */
    private static int wholeLines(List<byte[]> lines, int cut) {
        int whole = 0;
        for (int end = 0; whole < lines.size() && (end += lines.get(whole).length) - 1 <= cut; whole++) {
            // The condition counts.
        }
        return whole;
    }

    @Test
    void tornLine_isCutOffBeforeTheFirstAppend() throws IOException {
        Files.writeString(file, "{\"id\":\"doc-1\"}\n{\"id\":\"doc-2\",\"sta");

        open();

        assertThat(file).hasContent("{\"id\":\"doc-1\"}\n");
        assertThat(disk.forces).hasValue(1);
    }

    /** Of a process that was killed between writing them and forcing them: the next power cut must not take what counts. */
    @Test
    void linesThatAreFound_areForcedBeforeTheyCount() throws IOException {
        Files.writeString(file, "{\"id\":\"doc-1\"}\n");
        disk.forceFails = true;

        assertThatThrownBy(this::open).isInstanceOf(IOException.class);

        disk.forceFails = false;
        open();
        assertThat(disk.forces).hasValueGreaterThanOrEqualTo(1);
    }

    @Test
    void lastLineWithoutNewline_staysAndGetsIt() throws IOException {
        Files.writeString(file, "{\"id\":\"doc-1\"}");
        open();
        assertThat(file).hasContent("{\"id\":\"doc-1\"}");

        CompletableFuture.allOf(checkpoint.append(Lines.done("doc-2")), checkpoint.append(Lines.done("doc-3"))).join();
        checkpoint.append(Lines.done("doc-4")).join();

        for (int round = 0; round < 2; round++) {
            assertThat(checkpoint.find("doc-1").last()).isInstanceOf(CheckpointLine.Done.class);
            assertThat(checkpoint.find("doc-2").last()).isEqualTo(Lines.done("doc-2"));
            assertThat(checkpoint.find("doc-3").last()).isEqualTo(Lines.done("doc-3"));
            assertThat(checkpoint.find("doc-4").last()).isEqualTo(Lines.done("doc-4"));
            reopen();
        }
        assertThat(CheckpointFile.read(file)).hasSize(4).allMatch(CheckpointFile.Line::valid);
    }

    @Test
    void malformedLines_arePassedOver() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(("\uFEFF" + CheckpointFile.withCrc("{\"id\":\"after-bom\"}").strip() + "\r\n").getBytes(StandardCharsets.UTF_8));
        bytes.writeBytes("garbage\n\n\r\n".getBytes(StandardCharsets.UTF_8));
        bytes.writeBytes(new byte[4096]);
        bytes.write('\n');
        bytes.writeBytes("{\"id\":\"after-nuls\"}\n{\"id\":5}\n".getBytes(StandardCharsets.UTF_8));
        bytes.writeBytes(CheckpointFile.withCrc("{\"id\":5}").getBytes(StandardCharsets.UTF_8));
        bytes.writeBytes(CheckpointFile.withCrc("{\"id\":\"changed\"}").replace("changed", "Changed").getBytes(StandardCharsets.UTF_8));
        bytes.writeBytes(new byte[] {(byte) 0xC3, '(', '\n', (byte) 0xFF, '\n'});
        bytes.writeBytes("{\"id\":\"latin-\u00e9\"}\n".getBytes(StandardCharsets.ISO_8859_1));
        bytes.writeBytes("{\"id\":\"by-hand\",\"status\":\"failed\",\"error\":\"gave up\"}\n".getBytes(StandardCharsets.UTF_8));
        bytes.writeBytes(LineFormat.encode(Lines.done("last")));
        Files.write(file, bytes.toByteArray());

        open();

        assertThat(counts()).containsExactly(0, 3, 1, 0);
        for (String id : List.of("after-bom", "after-nuls", "last")) {
            assertThat(checkpoint.find(id).last()).as(id).isInstanceOf(CheckpointLine.Done.class);
        }
        assertThat(checkpoint.find("by-hand").last()).isInstanceOf(CheckpointLine.Failed.class);
        assertThat(checkpoint.find("changed")).isEqualTo(History.NONE);
        assertThat(file).hasBinaryContent(bytes.toByteArray());
    }

    /** A position comes from a hash that two documents may share: what it leads to counts only for the document it names. */
    @Test
    void lineOfAnotherDocument_isNotTakenForThisOnes() throws IOException {
        open();
        checkpoint.append(Lines.step("doc-a", "summary", "s")).join();
        checkpoint.append(Lines.done("doc-a")).join();
        checkpoint.append(Lines.step("doc-a", "summary", "s")).join();

        Files.writeString(file, CheckpointFile.read(file).stream()
                .map(line -> CheckpointFile.withCrc(line.text().replace("doc-a", "doc-b").replaceAll(",\"crc\".*", "}")))
                .collect(Collectors.joining()));

        assertThat(checkpoint.find("doc-a")).isEqualTo(History.NONE);
    }

    @Test
    void longRunWithoutNewline_isPassedOver() throws IOException {
        try (var out = Files.newOutputStream(file)) {
            out.write("{\"id\":\"before\"}\n".getBytes(StandardCharsets.UTF_8));
            out.write(new byte[LineFormat.MAX_LINE_BYTES + 10]);
            out.write("\n{\"id\":\"after\"}\n".getBytes(StandardCharsets.UTF_8));
        }

        open();

        assertThat(counts()).containsExactly(0, 2, 0, 0);
        assertThat(checkpoint.find("after").last()).isInstanceOf(CheckpointLine.Done.class);
    }

    @Test
    void longTornTail_isCutOff() throws IOException {
        try (var out = Files.newOutputStream(file)) {
            out.write("{\"id\":\"before\"}\n".getBytes(StandardCharsets.UTF_8));
            out.write(new byte[LineFormat.MAX_LINE_BYTES + 10]);
        }

        open();
        checkpoint.append(Lines.done("after")).join();

        assertThat(CheckpointFile.read(file)).extracting(CheckpointFile.Line::id).containsExactly("before", "after");
    }

    /** Its length does not fit into a position. */
    @Test
    void lineBeyond16MiB_isFoundAgain() throws IOException {
        CheckpointLine large = Lines.done("large", Lines.TS, "x".repeat(17 << 20));
        open(Durability.OS);

        checkpoint.append(large).join();
        checkpoint.append(Lines.done("small")).join();

        assertThat(checkpoint.find("large").last()).isEqualTo(large);
        reopen();
        assertThat(checkpoint.find("large").last()).isEqualTo(large);
        assertThat(checkpoint.find("small").last()).isEqualTo(Lines.done("small"));
    }

    @Test
    void lineAcrossTheLoadersChunks_isFoundAgain() throws IOException {
        open(Durability.OS);
        List<CheckpointLine> lines = IntStream.range(0, 40)
                .<CheckpointLine>mapToObj(i -> Lines.done("doc-" + i, Lines.TS, "x".repeat(i * 7001))).toList();
        lines.forEach(line -> checkpoint.append(line).join());

        reopen();

        assertThat(lines).allSatisfy(line -> assertThat(checkpoint.find(line.id()).last()).isEqualTo(line));
    }

    @Test
    void concurrentAppends_areAllFoundAndDurable() throws Exception {
        open();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> appended = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                String id = "doc-" + i;
                appended.add(threads.submit(() -> {
                    for (String step : List.of("one", "two")) {
                        checkpoint.append(Lines.step(id, step, id)).join();
                        assertThat(checkpoint.find(id).steps()).containsKey(step);
                    }
                    checkpoint.append(Lines.done(id)).join();
                    assertThat(checkpoint.find(id).last()).isEqualTo(Lines.done(id));
                }));
            }
            for (Future<?> future : appended) {
                future.get();
            }
        }

        assertThat(counts()).containsExactly(0, 200, 0, 0);
        reopen();
        assertThat(counts()).containsExactly(0, 200, 0, 0);
        for (int i = 0; i < 200; i++) {
            assertThat(checkpoint.find("doc-" + i).last()).isEqualTo(Lines.done("doc-" + i));
        }
        assertThat(CheckpointFile.read(file)).hasSize(600).allMatch(CheckpointFile.Line::valid);
    }

    @Test
    void appendWithFsync_isForcedBeforeItIsAnswered() throws IOException {
        open();

        checkpoint.append(Lines.done("doc-1")).join();
        checkpoint.append(Lines.done("doc-2")).join();

        assertThat(disk.forces).hasValue(2);
    }

    @Test
    void appendWithDurabilityOs_isNotForced() throws IOException {
        open(Durability.OS);

        checkpoint.append(Lines.done("doc-1")).join();

        assertThat(disk.forces).hasValue(0);
        assertThat(file).hasBinaryContent(LineFormat.encode(Lines.done("doc-1")));
    }

    @Test
    void shortWrites_areWrittenToTheEnd() throws IOException {
        disk.bytesAtOnce = 7;
        open();

        checkpoint.append(Lines.done("doc-1")).join();

        assertThat(file).hasBinaryContent(LineFormat.encode(Lines.done("doc-1")));
        assertThat(disk.forces).hasValue(1);
        assertThat(checkpoint.find("doc-1").last()).isEqualTo(Lines.done("doc-1"));
    }

    @Test
    void appendAfterClosing_fails() throws IOException {
        open();
        Checkpoint closed = checkpoint;
        close();

        CompletableFuture<Void> append = closed.append(Lines.done("doc-1"));

        assertThatThrownBy(append::join).isInstanceOf(CompletionException.class).hasCauseInstanceOf(ClosedException.class);
        assertThat(file).isEmptyFile();
        assertThat(failures).isEmpty();
    }

    @Test
    void appendsBeforeClosing_areWritten() throws IOException {
        open();
        List<CompletableFuture<Void>> appends = IntStream.range(0, 100).mapToObj(i -> checkpoint.append(Lines.done("doc-" + i))).toList();

        close();

        // Answered on a thread of their own, which may be later than the closing.
        assertThat(appends).allSatisfy(append -> assertThat(append).succeedsWithin(Duration.ofSeconds(10)));
        assertThat(CheckpointFile.read(file)).hasSize(100).allMatch(CheckpointFile.Line::valid);
    }

    @Test
    void findOnAnInterruptedThread_findsAndLeavesTheFileReadable() throws IOException {
        open();
        checkpoint.append(Lines.done("doc-1")).join();

        Thread.currentThread().interrupt();
        History found = checkpoint.find("doc-1");

        assertThat(Thread.interrupted()).as("still interrupted").isTrue();
        assertThat(found.last()).isEqualTo(Lines.done("doc-1"));
        assertThat(checkpoint.find("doc-1").last()).isEqualTo(Lines.done("doc-1"));
    }

    @Test
    void secondOpening_isRefusedWithinAProcess() throws IOException {
        open();

        assertThatThrownBy(() -> Opening.with(groupCommit).with(this::failed).open(file))
                .isInstanceOf(HeldByAnotherException.class)
                .hasMessageContainingAll(file.toString(), "process", "pawl.checkpoint.directory");

        checkpoint.append(Lines.done("doc-1")).join();
        reopen();
    }

    /** Closing any descriptor of a file gives back every lock of the process on it. */
    @Test
    void refusedSecondOpening_leavesTheLockHeld() throws Exception {
        open();
        assertThatThrownBy(() -> Opening.with(groupCommit).with(this::failed).open(file))
                .isInstanceOf(HeldByAnotherException.class);

        Process other = CheckpointHolder.start(file);

        assertThat(CheckpointHolder.answer(other)).contains(file.toString(), "process " + ProcessHandle.current().pid() + " on ");
        assertThat(other.waitFor(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void secondProcess_isRefusedUntilTheFirstIsKilled() throws Exception {
        Process other = CheckpointHolder.start(file);
        try {
            assertThat(CheckpointHolder.answer(other)).isEqualTo("held");

            assertThatThrownBy(this::open)
                    .isInstanceOf(HeldByAnotherException.class)
                    .hasMessageContainingAll(file.toString(), "process " + other.pid() + " on ", "pawl.checkpoint.directory");
        } finally {
            other.destroyForcibly().waitFor();
        }

        open();

        assertThat(checkpoint.find("doc-child").last()).isEqualTo(Lines.done("doc-child"));
        checkpoint.append(Lines.done("doc-parent")).join();
    }

    private void failed(Path path, IOException cause) {
        failures.add(path + ": " + cause.getMessage());
    }

    private List<Integer> counts() {
        return Arrays.stream(Status.values()).map(checkpoint::documents).toList();
    }

    private void open() throws IOException {
        open(Durability.FSYNC);
    }

    private void open(Durability durability) throws IOException {
        checkpoint = Opening.with(groupCommit).with(durability).with(disk).with(this::failed).open(file);
    }

    private void reopen() throws IOException {
        close();
        open();
    }

    private void close() throws IOException {
        if (checkpoint != null) {
            checkpoint.close();
            checkpoint = null;
        }
    }

    private static byte[] concatenate(List<byte[]> parts) {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        parts.forEach(whole::writeBytes);
        return whole.toByteArray();
    }
}
