package dev.pawl.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.FaultyDisk.Operation;

@ExtendWith(QuietLog.class)
class CompactionTest {

    @TempDir
    Path directory;

    private final GroupCommit groupCommit = new GroupCommit();
    private final FaultyDisk disk = new FaultyDisk();
    private final List<IOException> failures = new ArrayList<>();
    private Path file;
    private Checkpoint checkpoint;
    /** What every look-up must find. */
    private final Map<String, History> expected = new HashMap<>();

    @BeforeEach
    void open() throws IOException {
        file = directory.resolve("documents-3.jsonl");
        checkpoint = opening().open(file);
    }

    private Opening opening() {
        return Opening.with(groupCommit).with(disk).with((_, cause) -> failures.add(cause));
    }

    @AfterEach
    void end() throws IOException {
        disk.watcher = (_, _) -> { };
        checkpoint.close();
        groupCommit.close();
    }

    @Test
    void compaction_dropsGarbageAndNothingElse() throws IOException {
        appendSome();
        long before = Files.size(file);

        compact();

        assertThat(Files.size(file)).isLessThan(before).isEqualTo(checkpoint.end());
        assertThat(checkpoint.garbageBytes()).isZero();
        assertThatAllIsFound();
        assertThatAllIsFoundAfterReopening();
    }

    @Test
    void compactedFile_isAppendedToAndCompactedAgain() throws IOException {
        for (int round = 0; round < 3; round++) {
            appendSome();
            compact();
            append(Lines.step("doc-new", "summary", "round " + round));

            assertThatAllIsFound();
        }
        assertThatAllIsFoundAfterReopening();
    }

    @Test
    void damage_isCopiedAsItIs() throws IOException {
        appendSome();
        checkpoint.close();
        String rubbish = "no line " + "\0".repeat(3 << 20);
        Files.writeString(file, "{\"id\":\"by-hand\"}\r\n\n" + rubbish + "\n", StandardOpenOption.APPEND);
        checkpoint = opening().open(file);
        expected.put("by-hand", checkpoint.find("by-hand"));

        compact();

        assertThat(Files.readString(file)).contains("\n" + rubbish + "\n").contains("{\"id\":\"by-hand\"}\n");
        assertThat(checkpoint.garbageBytes()).isBetween(0L, 1L);
        assertThatAllIsFound();
        assertThatAllIsFoundAfterReopening();
    }

    @Test
    void appendsAndLookUpsMeanwhile_goOn() throws Exception {
        appendSome();
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<Integer> appending = CompletableFuture.supplyAsync(() -> {
            Random random = new Random(847);
            List<String> ids = IntStream.range(0, 200).mapToObj(i -> "doc-" + i).toList();
            int appended = 0;
            for (; !over.get() || appended < 2_000; appended++) {
                appendOne(random);
                String id = "doc-" + random.nextInt(200);
                assertThat(checkpoint.find(id)).isEqualTo(expected.getOrDefault(id, History.NONE));
                assertThat(checkpoint.findDone(ids)).isEqualTo(done(ids));
            }
            return appended;
        });
        for (int round = 0; round < 20; round++) {
            compact();
        }
        over.set(true);

        assertThat(appending.get()).isPositive();
        assertThatAllIsFound();
        assertThatAllIsFoundAfterReopening();
    }

    private Done[] done(List<String> ids) {
        return ids.stream().map(id -> expected.getOrDefault(id, History.NONE).last() instanceof Done done ? done : null).toArray(Done[]::new);
    }

    /** A line is in the file a moment before the index knows it: a compaction that begins then must not take it for garbage. */
    @Test
    void lineOnItsWayIntoTheIndex_isNotYetTheFilesEnd() throws Exception {
        Thread[] writer = {null};
        disk.watcher = (_, _) -> writer[0] = Thread.currentThread();
        append(Lines.done("doc-1"));
        long end = checkpoint.end();
        CompletableFuture<Void> appended;
        synchronized (checkpoint.index()) {
            appended = checkpoint.append(Lines.done("doc-2"));
            await().until(() -> writer[0].getState() == Thread.State.BLOCKED);

            assertThat(Files.size(file)).isGreaterThan(end);
            assertThat(checkpoint.end()).isEqualTo(end);
            assertThat(checkpoint.garbageBytes()).isZero();
        }
        appended.join();

        assertThat(checkpoint.end()).isEqualTo(Files.size(file));
    }

    /** Whatever the disk refuses first, the checkpoint goes on with what it has, or says that it can't. */
    @Test
    void faultAtAnyOperation_losesNothing() throws IOException {
        int operations = 1;
        for (int faultAt = 0; faultAt < operations; faultAt++) {
            appendSome();
            int at = faultAt;
            AtomicInteger count = new AtomicInteger();
            AtomicBoolean directoryFailed = new AtomicBoolean();
            disk.watcher = (operation, _) -> {
                if (count.getAndIncrement() == at) {
                    directoryFailed.set(operation == Operation.FORCE_DIRECTORY);
                    throw new IOException("Input/output error");
                }
            };

            assertThatThrownBy(this::compact).as("operation %d", at).hasMessage("Input/output error");

            disk.watcher = (_, _) -> { };
            assertThat(Compaction.unfinished(file)).doesNotExist();
            assertThatAllIsFound();
            if (directoryFailed.get()) {
                assertThat(failures).hasSize(1);
                assertThatThrownBy(() -> checkpoint.append(Lines.done("after")).join()).hasRootCauseMessage("Input/output error");
            } else {
                assertThat(failures).isEmpty();
                append(Lines.done("after-" + at));
            }
            assertThatAllIsFoundAfterReopening();

            AtomicInteger healthy = new AtomicInteger();
            disk.watcher = (_, _) -> healthy.incrementAndGet();
            appendSome();
            int appends = healthy.get();
            compact();
            operations = healthy.get() - appends;
            failures.clear();
        }
        assertThat(operations).isGreaterThanOrEqualTo(5);
    }

    /** As a network's file system may do it: nothing must be appended to the file that has lost its name. */
    @Test
    void renameThatHappensAndReportsAFault_stopsAllAppends() throws IOException {
        appendSome();
        disk.afterReplace = () -> {
            throw new IOException("Connection timed out");
        };

        assertThatThrownBy(this::compact).hasMessage("Connection timed out");

        assertThat(failures).hasSize(1);
        assertThatThrownBy(() -> checkpoint.append(Lines.done("after")).join()).hasRootCauseMessage("Connection timed out");
        assertThatAllIsFound();
        assertThatAllIsFoundAfterReopening();
    }

    @Test
    void faultOfTheDirectory_stopsAllAppends() throws IOException {
        appendSome();
        disk.watcher = (operation, _) -> {
            if (operation == Operation.FORCE_DIRECTORY) {
                throw new IOException("Input/output error");
            }
        };

        assertThatThrownBy(this::compact).hasMessage("Input/output error");

        assertThat(failures).hasSize(1);
        assertThatThrownBy(() -> checkpoint.append(Lines.done("after")).join()).hasRootCauseMessage("Input/output error");
        assertThatAllIsFoundAfterReopening();
    }

    /**
     * What is on the disk before each operation is what a kill leaves there; after a power cut it may also be less: only what was
     * forced, and the old names of what was renamed.
     */
    @Test
    void killOrPowerCutAtAnyOperation_losesNothing() throws Exception {
        appendSome();
        List<Path> copies = new ArrayList<>();
        Map<Path, byte[]> forced = new HashMap<>();
        forced.put(file, Files.readAllBytes(file));
        byte[][] old = new byte[1][];
        disk.watcher = (operation, path) -> {
            switch (operation) {
                case FORCE -> {
                    copies.add(copyOfDirectory());
                    forced.put(path, Files.readAllBytes(path));
                }
                case REPLACE -> {
                    copies.add(copyOfDirectory());
                    old[0] = Files.readAllBytes(file);
                    assertThat(Files.readAllBytes(Compaction.unfinished(file))).as("forced before it is renamed")
                            .isEqualTo(forced.get(Compaction.unfinished(file)));
                }
                case FORCE_DIRECTORY -> {
                    copies.add(copyOfDirectory());
                    Path withOldName = copyOfDirectory();
                    Files.write(withOldName.resolve(file.getFileName()), old[0]);
                    copies.add(withOldName);
                }
                case OPEN, WRITE -> copies.add(copyOfDirectory());
            }
        };

        compact();

        disk.watcher = (_, _) -> { };
        copies.add(copyOfDirectory());
        assertThat(copies).hasSizeGreaterThan(6);
        for (Path copy : copies) {
            Checkpoint opened = Opening.with(groupCommit).open(copy.resolve(file.getFileName()));
            expected.forEach((id, history) -> assertThat(opened.find(id)).as("%s in copy %d", id, copies.indexOf(copy)).isEqualTo(history));
            opened.append(Lines.done("after")).join();
            opened.close();
            assertThat(copy.resolve(Compaction.unfinished(file).getFileName())).doesNotExist();
        }
    }

    @Test
    void closingMeanwhile_givesUpAndKeepsTheFile() throws Exception {
        appendSome();
        byte[] before = Files.readAllBytes(file);

        assertThatThrownBy(() -> new Compaction(checkpoint, disk, new Retention(null, null), () -> true).run())
                .isInstanceOf(Compaction.CancelledException.class);

        assertThat(Files.readAllBytes(file)).isEqualTo(before);
        assertThat(Compaction.unfinished(file)).doesNotExist();
    }

    /** The old file is freed from under those who read it, who must not take what is left for all. */
    @Test
    void readerOfAFileThatIsCompacted_saysSo() throws IOException {
        for (int i = 0; i < 40; i++) {
            append(Lines.done("doc-" + i % 20, Lines.TS, "a summary of some length ".repeat(20_000)));
        }
        try (ReadOnlyCheckpoint early = ReadOnlyCheckpoint.open(file); ReadOnlyCheckpoint loaded = ReadOnlyCheckpoint.open(file)) {
            loaded.load(_ -> { });

            compact();

            assertThatThrownBy(() -> early.load(_ -> { })).isInstanceOf(IOException.class).hasMessageContaining("was compacted");
            assertThatThrownBy(() -> loaded.forEachLive(_ -> { }, _ -> { })).isInstanceOf(IOException.class).hasMessageContaining("was compacted");
        }
        try (ReadOnlyCheckpoint late = ReadOnlyCheckpoint.open(file)) {
            assertThat(late.load(_ -> { }).documents().done()).isEqualTo(20);
        }
    }

    @Test
    void upkeep_compactsOnceGarbagePassesItsShare() throws Exception {
        checkpoint.close();
        checkpoint = opening().with(new Upkeep.Policy(0.5, 10_000, null, null)).open(file);
        long largest = 0;
        for (int i = 0; i < 400; i++) {
            append(Lines.failed("doc-" + i % 10));
            largest = Math.max(largest, Files.size(file));
        }
        Opening.awaitUpkeep();
        assertThat(Sidecar.path(file)).as("the new file's").exists();

        long live = checkpoint.end() - checkpoint.garbageBytes();
        assertThat(Files.size(file)).isLessThan(2 * live + 20_000).isLessThan(400 * live / 10);
        assertThatAllIsFound();
        assertThatAllIsFoundAfterReopening();
    }

    /** A compaction that fills the disk would make the next append fail, and with it the process. */
    @Test
    void upkeep_compactsOnlyWhereThereIsRoomForTwice() throws Exception {
        checkpoint.close();
        checkpoint = opening().with(new Upkeep.Policy(0.01, 0, null, null)).open(file);
        disk.usableBytes = 0;
        appendSome();
        Opening.awaitUpkeep();
        assertThat(checkpoint.garbageBytes()).isPositive();

        checkpoint.close();
        disk.usableBytes = Long.MAX_VALUE;
        checkpoint = opening().with(new Upkeep.Policy(0.01, 0, null, null)).open(file);
        Opening.awaitUpkeep();

        assertThat(checkpoint.garbageBytes()).isZero();
        assertThatAllIsFound();
    }

    @Test
    void upkeep_leavesSmallFilesAlone() throws Exception {
        checkpoint.close();
        checkpoint = opening().with(new Upkeep.Policy(0.01, 1 << 20, null, null)).open(file);

        appendSome();
        Opening.awaitUpkeep();

        assertThat(checkpoint.garbageBytes()).isPositive();
    }

    @Test
    void oldResults_areDroppedAndTheirDocumentsStayDone() throws Exception {
        Instant now = Lines.TS.plus(Duration.ofDays(30));
        append(Lines.done("old"));
        append(Lines.done("new", now, "a summary"));
        append(Lines.failed("old failed"));
        checkpoint.close();
        Files.writeString(file, "{\"id\":\"without age\",\"result\":{\"summary\":\"s\"}}\n", StandardOpenOption.APPEND);
        open(new Upkeep.Policy(1, 0, Duration.ofDays(20), null), now);

        assertThat(checkpoint.find("old").last()).isInstanceOfSatisfying(Done.class, done -> {
            assertThat(done.result()).isNull();
            assertThat(done.usage()).isEqualTo(Lines.done("old").usage());
            assertThat(done.source()).isEqualTo(Lines.done("old").source());
            assertThat(done.fingerprint()).isEqualTo(Lines.done("old").fingerprint());
        });
        for (String id : List.of("new", "without age")) {
            assertThat(((Done) checkpoint.find(id).last()).result()).as(id).isNotNull();
        }
        assertThat(checkpoint.find("old failed").last()).isEqualTo(Lines.failed("old failed"));
        assertThat(checkpoint.garbageBytes()).isZero();
    }

    @Test
    void oldLines_areDroppedAsIfTheyHadNeverBeen() throws Exception {
        Instant now = Lines.TS.plus(Duration.ofDays(30));
        append(Lines.done("old"));
        append(Lines.failed("old failed"));
        append(Lines.forgotten("old forgotten"));
        append(Lines.step("old unfinished", "summary", "s"));
        append(Lines.done("new", now, "a summary"));
        checkpoint.close();
        Files.writeString(file, "{\"id\":\"without age\"}\n", StandardOpenOption.APPEND);
        open(new Upkeep.Policy(1, 0, null, Duration.ofDays(20)), now);

        for (String id : List.of("old", "old failed", "old forgotten", "old unfinished")) {
            assertThat(checkpoint.find(id)).as(id).isEqualTo(History.NONE);
        }
        for (String id : List.of("new", "without age")) {
            assertThat(checkpoint.find(id).last()).as(id).isInstanceOf(Done.class);
        }
        assertThat(Files.readString(file).lines()).hasSize(2);
    }

    private void open(Upkeep.Policy policy, Instant now) throws Exception {
        checkpoint = opening().with(policy).with(Clock.fixed(now, ZoneOffset.UTC)).open(file);
        Opening.awaitUpkeep();
    }

    private void compact() throws IOException {
        new Compaction(checkpoint, disk, new Retention(null, null), () -> false).run();
    }

    private void appendSome() {
        Random random = new Random(expected.size());
        for (int i = 0; i < 300; i++) {
            appendOne(random);
        }
    }

    private void appendOne(Random random) {
        String id = "doc-" + random.nextInt(200);
        append(switch (random.nextInt(8)) {
            case 0 -> Lines.failed(id);
            case 1 -> Lines.forgotten(id);
            case 2, 3 -> Lines.done(id, Lines.TS.plusSeconds(random.nextInt(1000)), "a summary");
            case 4 -> Lines.step(id, "entities", "of " + random.nextInt());
            default -> Lines.step(id, "summary", "number " + random.nextInt());
        });
    }

    private void append(CheckpointLine line) {
        checkpoint.append(line).join();
        expected.merge(line.id(), historyOf(History.NONE, line), (before, _) -> historyOf(before, line));
    }

    private static History historyOf(History before, CheckpointLine line) {
        Map<String, CheckpointLine.StepOutput> steps = new TreeMap<>(before.journalled());
        return switch (line) {
            case CheckpointLine.Step step -> {
                steps.put(step.output().step(), step.output());
                yield new History(before.last(), steps);
            }
            case CheckpointLine.Failed failed -> new History(failed, before.journalled());
            case Done done -> new History(done, Map.of());
            case CheckpointLine.Forgotten forgotten -> new History(forgotten, Map.of());
        };
    }

    private void assertThatAllIsFound() {
        Map<String, History> found = new HashMap<>();
        expected.keySet().forEach(id -> found.put(id, checkpoint.find(id)));
        assertThat(found).isEqualTo(expected);
    }

    private void assertThatAllIsFoundAfterReopening() throws IOException {
        checkpoint.close();
        checkpoint = opening().open(file);
        assertThatAllIsFound();
        Files.deleteIfExists(Sidecar.path(file));
        checkpoint.close();
        Files.deleteIfExists(Sidecar.path(file));
        checkpoint = opening().open(file);
        assertThatAllIsFound();
    }

    private Path copyOfDirectory() throws IOException {
        Path copy = Files.createTempDirectory(directory, "copy-");
        try (Stream<Path> files = Files.list(directory)) {
            for (Path path : files.filter(Files::isRegularFile).toList()) {
                Files.copy(path, copy.resolve(path.getFileName()));
            }
        }
        return copy;
    }
}
