package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import dev.pawl.checkpoint.OracleReader.Fold;
import dev.pawl.checkpoint.OracleReader.Line;

/**
 * A disk that fails at any moment of many appends: what was answered is there after the restart, what was not is refused,
 * and nothing is written to a file whose page cache can't be trusted any more.
 */
@Timeout(60)
@ExtendWith(QuietLog.class)
class DiskFaultTest {

    private static final int BURSTS = 8;
    private static final int SEEDS = 3;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final GroupCommit groupCommit = new GroupCommit();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<Append> appends = new ArrayList<>();
    private final List<Failure> failures = new ArrayList<>();
    private FaultyDisk disk = new FaultyDisk();
    private Path file;
    private Path mounted;
    private Checkpoint checkpoint;

    @AfterEach
    @Timeout(30)
    void stop() throws Exception {
        close();
        groupCommit.close();
        threads.close();
        if (mounted != null) {
            assertThat(run("umount", mounted.toString())).isEmpty();
        }
    }

    /** A line on its way, and how much of the file was forced when it was answered. */
    private static final class Append {

        private final CheckpointLine line;
        private CompletableFuture<Void> durable;
        private volatile long forcedBytes;

        Append(CheckpointLine line) {
            this.line = line;
        }

        boolean isAnswered() {
            return durable.isDone() && !durable.isCompletedExceptionally();
        }

        History history() {
            Fold fold = new Fold();
            fold.add(line);
            return fold.find(line.id());
        }
    }

    /** What was told of a failure, and what the disk had seen by then. */
    private record Failure(Path path, String message, int writes, int forces, byte[] bytes) {}

    enum Fault {
        WRITE {
            @Override
            void prepare(FaultyDisk disk, int number, Random random) {
                disk.lastWrite = number;
            }
        },
        SHORT_WRITE {
            @Override
            void prepare(FaultyDisk disk, int number, Random random) {
                disk.lastWrite = number;
                disk.bytesOfLastWrite = 1 + random.nextInt(300);
            }
        },
        FORCE {
            @Override
            void prepare(FaultyDisk disk, int number, Random random) {
                disk.failingForce = number;
            }
        };

        /** Makes the write or force with this number fail, counted from one. */
        abstract void prepare(FaultyDisk disk, int number, Random random);
    }

    enum Then {
        /** The page cache stays. */
        RESTART,
        /** Of what was not forced any part may be gone. */
        POWER_CUT
    }

    static Stream<Arguments> faults() {
        return Stream.of(Fault.values()).flatMap(fault -> Stream.of(Then.values()).flatMap(then ->
                Stream.iterate(1, seed -> seed <= SEEDS, seed -> seed + 1).map(seed -> Arguments.of(fault, then, seed))));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void faultAtEveryWriteOrForce_losesNothingThatWasAnswered(Fault fault, Then then, int seed) throws Exception {
        int number = 0;
        boolean struck = true;
        while (struck) {
            number++;
            Random random = new Random(seed * 1_000_003L + number);
            disk = new FaultyDisk();
            disk.bytesAtOnce = seed % 2 == 0 ? Integer.MAX_VALUE : 200 + random.nextInt(1000);
            fault.prepare(disk, number, random);
            struck = faultDuringAppends(then, random, "documents-%d.jsonl".formatted(number));
        }

        assertThat(number).as("writes or forces that failed").isGreaterThan(BURSTS);
    }

    private boolean faultDuringAppends(Then then, Random random, String name) throws Exception {
        appends.clear();
        failures.clear();
        file = directory.resolve(name);
        open();
        for (int burst = 0; burst < BURSTS; burst++) {
            appendAtOnce(1 + random.nextInt(6), random, 200);
        }
        boolean struck = !failures.isEmpty();
        if (struck) {
            assertThatAppendingStopped("No space left on device", "Input/output error");
            assertThat(disk.writes).as("writes since the failure").hasValue(failures.getFirst().writes());
            assertThat(disk.forces).as("forces since the failure").hasValue(failures.getFirst().forces());
        } else {
            assertThat(appends).allMatch(Append::isAnswered);
        }
        assertThatWhatWasAnsweredWasForced();

        close();
        if (then == Then.POWER_CUT) {
            cut(disk.forcedBytes, random);
        }
        disk = new FaultyDisk();
        open();

        assertThatWhatWasAnsweredIsThereAndAppendingGoesOn(random);
        return struck;
    }

    /** A real one. Where none can be mounted, the short writes above stand for it. */
    @Test
    void fullFileSystem_losesNothingThatWasAnsweredAndGoesOnWithRoom() throws Exception {
        mount();
        Random random = new Random(1);
        Path filler = Files.write(mounted.resolve("filler"), new byte[100 << 10]);
        file = mounted.resolve("documents-3.jsonl");
        disk = null;
        open();

        while (failures.isEmpty()) {
            appendAtOnce(8, random, 3000);
        }

        assertThat(appends).filteredOn(Append::isAnswered).isNotEmpty();
        assertThatAppendingStopped("No space left on device");
        Files.delete(filler);
        assertThatAppendingStopped("No space left on device");
        close();
        open();
        assertThatWhatWasAnsweredIsThereAndAppendingGoesOn(random);
    }

    @Test
    void openingThatFails_leavesTheLinesAndTheLockAlone() throws Exception {
        file = directory.resolve("documents-3.jsonl");
        open();
        appendAtOnce(5, new Random(1), 200);
        close();

        disk.watcher = (operation, _) -> {
            if (operation == FaultyDisk.Operation.OPEN) {
                throw new IOException("Too many open files");
            }
        };

        assertThatThrownBy(this::open).isInstanceOf(IOException.class).hasMessage("Too many open files");

        disk = new FaultyDisk();
        open();
        assertThatWhatWasAnsweredIsThereAndAppendingGoesOn(new Random(2));
        assertThat(failures).isEmpty();
    }

    /** Nothing may follow a torn line that is perhaps still there. */
    @Test
    void cuttingATornLineThatFails_failsTheOpening() throws Exception {
        file = directory.resolve("documents-3.jsonl");
        open();
        appendAtOnce(5, new Random(1), 200);
        close();
        Files.writeString(file, "{\"id\":\"torn\",\"sta", StandardOpenOption.APPEND);
        disk = new FaultyDisk();
        disk.forceFails = true;

        assertThatThrownBy(this::open).isInstanceOf(IOException.class).hasMessage("Input/output error");

        disk = new FaultyDisk();
        open();
        assertThatWhatWasAnsweredIsThereAndAppendingGoesOn(new Random(2));
        assertThat(failures).isEmpty();
    }

    @Test
    void failingFile_leavesTheOthersAlone() throws Exception {
        file = directory.resolve("documents-3.jsonl");
        open();
        disk.bytesLeft = 0;
        appendAtOnce(1, new Random(1), 200);
        Checkpoint failing = checkpoint;
        disk = new FaultyDisk();
        file = directory.resolve("documents-4.jsonl");
        open();

        checkpoint.append(Lines.done("doc-1")).join();

        assertThat(checkpoint.find("doc-1").last()).isEqualTo(Lines.done("doc-1"));
        assertThat(failures).extracting(Failure::path).containsExactly(failing.path());
        failing.close();
    }

    /** A document whose line can't be read must not be paid for as if there were none; {@link FailStop} ends the process. */
    @Test
    void lineThatCannotBeReadBack_isToldOf_andIsNotTakenForNone() throws Exception {
        file = directory.resolve("documents-3.jsonl");
        open();
        List<String> ids = List.of("doc-1", "doc-2", "doc-3");
        for (String id : ids) {
            checkpoint.append(Lines.done(id)).join();
        }
        disk.readsFail = true;

        assertThat(checkpoint.findDone(ids)).as("left to the look-up of each").containsOnlyNulls();
        assertThat(failures).isEmpty();
        assertThatThrownBy(() -> checkpoint.find("doc-1")).isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("the line at byte 0 can't be read back: Input/output error");

        assertThat(failures).extracting(Failure::message).containsExactly("the line at byte 0 can't be read back: Input/output error");
        disk.readsFail = false;
        assertThat(checkpoint.findDone(ids)).extracting(CheckpointLine.Done::id).containsExactlyElementsOf(ids);
        assertThat(checkpoint.find("doc-1").last()).isEqualTo(Lines.done("doc-1"));
    }

    /** Appends from as many threads at once, two lines each, and returns when each of them was answered or refused. */
    private void appendAtOnce(int writers, Random random, int maxText) throws Exception {
        CountDownLatch together = new CountDownLatch(writers);
        List<CompletableFuture<Void>> submitted = new ArrayList<>();
        for (int writer = 0; writer < writers; writer++) {
            List<Append> own = List.of(randomAppend(random, maxText), randomAppend(random, maxText));
            submitted.add(CompletableFuture.runAsync(() -> {
                together.countDown();
                await(together);
                own.forEach(this::submit);
            }, threads));
        }
        for (CompletableFuture<Void> future : submitted) {
            future.get(10, TimeUnit.SECONDS);
        }
        for (Append append : appends) {
            append.durable.exceptionally(_ -> null).get(10, TimeUnit.SECONDS);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What depends on an append runs on the writer's thread in the moment of the answer, unless that came before this line did. */
    private void submit(Append append) {
        FaultyDisk disk = this.disk;
        append.durable = checkpoint.append(append.line).thenRun(() -> append.forcedBytes = disk == null ? 0 : disk.forcedBytes);
    }

    private Append randomAppend(Random random, int maxText) {
        String id = "doc-ä-" + appends.size();
        String text = "\"ö\n".repeat(random.nextInt(maxText) / 3);
        Append append = new Append(switch (random.nextInt(4)) {
            case 0 -> Lines.step(id, "summary", text);
            case 1 -> Lines.failed(id);
            case 2 -> Lines.forgotten(id);
            default -> Lines.done(id, Lines.TS, text);
        });
        appends.add(append);
        return append;
    }

    private void assertThatAppendingStopped(String... reasons) throws Exception {
        byte[] bytes = Files.readAllBytes(file);
        appendAtOnce(3, new Random(9), 200);

        assertThat(failures).as("told once").hasSize(1);
        Failure failure = failures.getFirst();
        assertThat(failure.path()).isEqualTo(file);
        assertThat(failure.message()).isIn((Object[]) reasons);
        assertThat(Arrays.equals(bytes, failure.bytes())).as("nothing was written since").isTrue();
        assertThat(Files.readAllBytes(file)).as("nothing is written any more").isEqualTo(bytes);
        for (Append append : appends) {
            if (append.isAnswered()) {
                assertThat(checkpoint.find(append.line.id())).isEqualTo(append.history());
            } else {
                assertThatThrownBy(append.durable::join).isInstanceOf(CompletionException.class)
                        .cause().isInstanceOf(IOException.class).hasMessage(failure.message());
                assertThat(checkpoint.find(append.line.id())).isEqualTo(History.NONE);
            }
        }
        assertThat(appends.subList(appends.size() - 6, appends.size())).as("after the failure").noneMatch(Append::isAnswered);
    }

    private void assertThatWhatWasAnsweredWasForced() throws IOException {
        List<Line> lines = OracleReader.lines(Files.readAllBytes(file));
        for (Append append : appends) {
            if (append.isAnswered()) {
                assertThat(lines).filteredOn(line -> line.content().equals(append.line))
                        .singleElement().satisfies(line -> assertThat(append.forcedBytes).isGreaterThan(line.to()));
            }
        }
    }

    private void assertThatWhatWasAnsweredIsThereAndAppendingGoesOn(Random random) throws Exception {
        assertThat(appends).filteredOn(Append::isAnswered)
                .allSatisfy(append -> assertThat(checkpoint.find(append.line.id())).isEqualTo(append.history()));
        int before = appends.size();
        appendAtOnce(3, random, 200);
        assertThat(appends.subList(before, appends.size())).allMatch(Append::isAnswered);
        close();

        byte[] bytes = Files.readAllBytes(file);
        assertThat(OracleReader.isSound(bytes)).as("nothing but whole lines").isTrue();
        Fold fold = Fold.of(OracleReader.lines(bytes));
        open();
        for (Append append : appends) {
            History found = checkpoint.find(append.line.id());
            assertThat(found).isEqualTo(fold.find(append.line.id()));
            // What was refused may be there or not: nobody acted on it.
            assertThat(found).isIn(append.history(), append.isAnswered() ? append.history() : History.NONE);
        }
        close();
    }

    private void cut(long forcedBytes, Random random) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            int unforced = Math.toIntExact(channel.size() - forcedBytes);
            channel.truncate(forcedBytes + (random.nextBoolean() ? 0 : random.nextInt(unforced + 1)));
        }
    }

    private void failed(Path path, IOException cause) {
        try {
            failures.add(new Failure(path, cause.getMessage(), disk == null ? 0 : disk.writes.get(), disk == null ? 0 : disk.forces.get(),
                    Files.readAllBytes(path)));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Through the disk of the test, or through none. */
    private void open() throws IOException {
        checkpoint = Opening.with(groupCommit).with(this::failed).with(disk == null ? Disk.REAL : disk).open(file);
    }

    private void close() throws IOException {
        if (checkpoint != null) {
            checkpoint.close();
            checkpoint = null;
        }
    }

    /** Small enough to be filled at once. Only root may mount, and not in every container. */
    private void mount() throws Exception {
        Path place = Files.createDirectory(directory.resolve("full"));
        String refused;
        try {
            refused = run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place.toString());
        } catch (IOException e) {
            refused = e.getMessage();
        }
        if (!refused.isEmpty()) {
            Assumptions.abort("no file system to fill: mounting one takes root and the right to mount (" + refused + ")");
        }
        mounted = place;
    }

    /** What it complained of; empty if it did what it was asked for. */
    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        return process.waitFor() == 0 ? "" : output.isEmpty() ? "exit status " + process.exitValue() : output;
    }
}
