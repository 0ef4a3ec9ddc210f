package dev.pawl.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

import org.jboss.logging.Logger;

import dev.pawl.PawlConfig.Checkpoint.Durability;
import dev.pawl.checkpoint.CheckpointIndex.Positions;
import dev.pawl.checkpoint.CheckpointIndex.StepLine;
import dev.pawl.checkpoint.CheckpointLoader.Loaded;
import dev.pawl.checkpoint.CheckpointLock.HeldByAnotherException;
import dev.pawl.checkpoint.LineFormat.Head;
import dev.pawl.checkpoint.LineFormat.MalformedLineException;
import dev.pawl.checkpoint.LineFormat.Status;

/**
 * The checkpoint of one partition: an append-only file of {@linkplain LineFormat lines}, and an index of it in memory.
 *
 * <p>What it guarantees: an append that was answered is found by every later {@link #find}, in this process and, after a
 * kill at any moment, in the next. The order that gives it is write, force, only then update memory, only then answer.
 *
 * <pre>
 * found when opened                          what happens
 * ────────────────────────────────────────   ─────────────────────────────────────────────────────────────
 * no file                                    created, its directory forced
 * an unfinished compaction's file            deleted
 * a sidecar that can be believed             only what was appended after it is read; see {@link CheckpointLoader}
 * a whole last line without a newline        kept; the next append puts the newline first
 * a torn last line                           cut off: its append was never answered
 * damage before that                         passed over and reported; its document runs again; see {@link CheckpointScanner}
 * another process's lock                     {@link HeldByAnotherException}, which names the process
 *
 * happens while open
 * ────────────────────────────────────────   ─────────────────────────────────────────────────────────────
 * a write or fsync fails                     this append and all later ones fail, for good: the page cache
 *                                            can't be trusted after that
 * a read fails                               the look-up fails, and the process ends: not known is called again
 * much of the file is garbage                it is compacted; see {@link Compaction}
 * </pre>
 *
 * <p>{@link #find} and {@link #append} may be called from any thread. Writing happens on the thread of
 * {@link GroupCommit} alone.
 */
public final class Checkpoint {

    private static final Logger LOG = Logger.getLogger(Checkpoint.class);

    /** How far back a look-up for people reads: at 500 bytes a line, the last 8,000 of the partition. */
    private static final int TRACED_BYTES = 4 << 20;

    private final Path path;
    private final Shared shared;
    private final CheckpointLock lock;
    private final CheckpointIndex index;
    private final Upkeep upkeep;
    /** By generation. Two only while a compaction's new lines are being pointed to. */
    private final AtomicReferenceArray<LineReader> readers = new AtomicReferenceArray<>(2);

    /** Null where lines count once they are in the file, and until the file is {@linkplain #mirrored level} with its mirror. */
    private volatile MirroredLines mirror;

    /** Until the file is level with its mirror, lines come from there. */
    private volatile boolean restoring;
    /** Bytes of such lines that are not forced yet. On the group commit's thread. */
    private long unforced;

    private volatile LineAppender appender;
    /** What lies beyond is not in the index yet, and must not be taken for garbage. */
    private volatile long end;
    private volatile int generation;
    private volatile Damage damage;
    private IOException failure;
    private volatile boolean closed;

    /**
     * What the checkpoints of one directory have in common.
     *
     * @param upkeepExecutor one thread
     * @param onFailure told when a write, a fsync or a read failed
     */
    record Shared(Durability durability, Upkeep.Policy upkeepPolicy, GroupCommit groupCommit, ScheduledExecutorService upkeepExecutor,
            Clock clock, Disk disk, BiConsumer<Path, IOException> onFailure) {}

    /** How far the file goes and what it is like there. */
    record Extent(long end, boolean newlineOwed, Damage damage) {}

    /** The partition went to another owner, or the process ends. */
    public static final class ClosedException extends IOException {
        ClosedException(Path path) {
            super(path + " is closed");
        }
    }

    /**
     * Opens and loads the file, and creates it where there is none. Blocks for as long as reading it takes.
     *
     * @throws HeldByAnotherException where another process has it open, or this one
     */
    static Checkpoint open(Path path, Shared shared) throws IOException {
        Checkpoint checkpoint = openToRestore(path, shared);
        checkpoint.begin();
        return checkpoint;
    }

    /** The same, to be brought level with its mirror by a {@link Restoration} before anything is appended. */
    static Checkpoint openToRestore(Path path, Shared shared) throws IOException {
        CheckpointLock lock = CheckpointLock.take(path);
        try {
            return new Checkpoint(path, shared, lock);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private Checkpoint(Path path, Shared shared, CheckpointLock lock) throws IOException {
        this.path = path;
        this.shared = shared;
        this.lock = lock;
        Files.deleteIfExists(Compaction.unfinished(path));
        boolean created = Files.notExists(path);
        FileChannel file = shared.disk().openForAppend(path);
        try {
            if (created) {
                Files.deleteIfExists(MirrorMark.path(path));
                shared.disk().forceDirectory(path.getParent());
            }
            readers.set(generation, new LineReader(shared.disk().openForRead(path)));
            Loaded loaded = new CheckpointLoader(path, () -> new CheckpointIndex(this::idAt)).load();
            this.index = loaded.index();
            this.damage = loaded.damage();
            this.appender = new LineAppender(file, loaded.end(), loaded.newlineOwed());
            this.end = loaded.end();
            long torn = appender.cutOffTornLine();
            if (torn > 0) {
                readers.get(generation).forget();
                LOG.warnf("%s: cut off a torn last line of %d bytes; its document was never acknowledged", path, torn);
            }
            if (torn == 0 && loaded.end() > loaded.sidecarEnd() && shared.durability() == Durability.FSYNC) {
                // A process that was killed may have written these lines and not forced them; they count from now on.
                file.force(false);
            }
            this.upkeep = new Upkeep(this, shared.disk(), shared.upkeepPolicy(), shared.upkeepExecutor(), shared.clock(), loaded);
        } catch (IOException | RuntimeException e) {
            closeReader(generation);
            file.close();
            throw e;
        }
        report();
    }

    /** From now on the file may be compacted. */
    void begin() {
        upkeep.begin();
    }

    private void report() {
        if (damage.places() > 0) {
            LOG.warnf("%s: passed over %d malformed lines, the first at %s", path, damage.places(), damage.first());
        }
        LOG.infof("%s: %d done, %d failed, %d unfinished",
                path, documents(Status.DONE), documents(Status.FAILED), documents(Status.STEP));
    }

    /** What the file holds of a document. Reads the lines it finds; no other input or output. */
    History find(String id) {
        return ask(() -> history(id, index.find(id)), History.NONE);
    }

    /**
     * The done lines of documents, in their order, for those that are asked by the hundred: what lies close together is read at once. Null for
     * documents that are not done, and where {@link #find} has the last word; see {@link DoneLines#read}.
     */
    CheckpointLine.Done[] findDone(List<String> ids) {
        return ask(() -> DoneLines.read(ids, index.find(ids), readers), new CheckpointLine.Done[ids.size()]);
    }

    /**
     * Whether a tombstone has something to undo. It has not where it comes again, after a crash, and it was obeyed before: what a later
     * record has led to since must stay.
     */
    private boolean isToForget(CheckpointLine.Forgotten tombstone) {
        List<CheckpointLine> lines = ask(() -> lines(tombstone.id(), index.find(tombstone.id())), List.of());
        return lines.stream().anyMatch(line -> !tombstone.source().equals(line.source()))
                && lines.stream().noneMatch(line -> line.isOfLaterRecordThan(tombstone));
    }

    /** Completes as {@link #append} does; at once where there is nothing to undo. */
    CompletableFuture<Void> forget(CheckpointLine.Forgotten tombstone) {
        return isToForget(tombstone) ? append(tombstone) : CompletableFuture.completedFuture(null);
    }

    @FunctionalInterface
    private interface Question<T> {
        T ask() throws LineReader.ClosedException;
    }

    /** Asks the index and the file it leads to. */
    private <T> T ask(Question<T> question, T whenClosed) {
        while (true) {
            LineAppender before = appender;
            try {
                T answer = question.ask();
                // Else a position may be one of the file before, which was closed, and the next file has its generation.
                if (appender == before) {
                    return answer;
                }
            } catch (LineReader.ClosedException e) {
                if (closed) {
                    return whenClosed;
                }
                // Compaction has moved the lines since the index was asked, and closed the old file.
            }
        }
    }

    /** What look-ups lead to. */
    private List<CheckpointLine> lines(String id, Positions positions) throws LineReader.ClosedException {
        List<CheckpointLine> lines = new ArrayList<>();
        for (long position : all(positions)) {
            CheckpointLine line = confirmed(id, position);
            if (line != null) {
                lines.add(line);
            }
        }
        return lines;
    }

    private static long[] all(Positions positions) {
        return LongStream.concat(LongStream.of(positions.last()), Arrays.stream(positions.steps()).mapToLong(StepLine::position))
                .filter(position -> position != LinePosition.NONE).toArray();
    }

    private History history(String id, Positions positions) throws LineReader.ClosedException {
        CheckpointLine last = positions.last() == LinePosition.NONE ? null : confirmed(id, positions.last());
        Map<String, CheckpointLine.StepOutput> steps = positions.steps().length == 0 ? Map.of() : new HashMap<>();
        for (StepLine line : positions.steps()) {
            if (confirmed(id, line.position()) instanceof CheckpointLine.Step step) {
                steps.put(step.output().step(), step.output());
            }
        }
        return last == null && steps.isEmpty() ? History.NONE : new History(last, steps);
    }

    /** The document's lines that are still in the file, those found that nothing leads to any more among them. */
    List<Trace.Entry> trace(String id) {
        while (true) {
            try {
                return trace(id, index.find(id));
            } catch (LineReader.ClosedException e) {
                if (closed) {
                    return List.of();
                }
            } catch (IOException | UncheckedIOException e) {
                LOG.errorf("%s can't be read back: %s", path, e.getMessage());
                return List.of();
            }
        }
    }

    private List<Trace.Entry> trace(String id, Positions positions) throws IOException {
        TreeMap<Long, Trace.Entry> found = new TreeMap<>();
        for (long position : all(positions)) {
            CheckpointLine line = confirmed(id, position);
            if (line != null) {
                found.put(LinePosition.offset(position), new Trace.Entry(path, LinePosition.offset(position), line));
            }
        }
        if (!found.isEmpty()) {
            long end = found.lastKey();
            long from = Math.max(0, end - TRACED_BYTES);
            LineReader reader = readers.get(generation);
            if (reader == null) {
                throw new LineReader.ClosedException();
            }
            Trace.scan(reader.read(from, (int) (end - from)), from > 0, (bytes, start, stop) -> {
                if (LineFormat.head(bytes, start, stop).id().equals(id)) {
                    found.putIfAbsent(from + start, new Trace.Entry(path, from + start, LineFormat.decode(bytes, start, stop)));
                }
            });
        }
        return List.copyOf(found.values());
    }

    /** Null where the bytes are no longer this document's line: the file was changed under a running process. */
    private CheckpointLine confirmed(String id, long position) throws LineReader.ClosedException {
        CheckpointLine line = lineOf(id, position);
        LineReader reader = readers.get(LinePosition.generation(position));
        // Before it is called for again and paid for, the file itself is asked, and not what was read ahead.
        return line == null && reader != null && reader.forget() ? lineOf(id, position) : line;
    }

    private CheckpointLine lineOf(String id, long position) throws LineReader.ClosedException {
        try {
            byte[] bytes = read(position);
            CheckpointLine line = LineFormat.decode(bytes, 0, bytes.length);
            return line.id().equals(id) ? line : null;
        } catch (LineReader.ClosedException e) {
            throw e;
        } catch (MalformedLineException e) {
            return unreadable(position, e);
        } catch (IOException e) {
            // Not as if it were not there: what can't be read is not to be paid for again.
            IOException why = new IOException("the line at byte %d can't be read back: %s".formatted(LinePosition.offset(position), e.getMessage()), e);
            shared.onFailure().accept(path, why);
            throw new UncheckedIOException(why);
        }
    }

    /** Called by the index, which holds no position of a file that is closed. */
    private String idAt(long position) {
        try {
            byte[] bytes = read(position);
            return LineFormat.head(bytes, 0, bytes.length).id();
        } catch (MalformedLineException e) {
            return unreadable(position, e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    byte[] read(long position) throws IOException {
        LineReader reader = readers.get(LinePosition.generation(position));
        if (reader == null) {
            throw new LineReader.ClosedException();
        }
        return reader.read(position);
    }

    private <T> T unreadable(long position, Exception why) {
        LOG.errorf("%s: the line at byte %d can't be read back: %s", path, LinePosition.offset(position), why.getMessage());
        return null;
    }

    /**
     * Appends a line. The future completes once the line is durable, and where there is a mirror there as well; or exceptionally:
     * then the line may or may not be in the file, and nobody may act as if it were.
     */
    public CompletableFuture<Void> append(CheckpointLine line) {
        byte[] bytes = LineFormat.encode(line);
        return shared.groupCommit().submit(new PendingAppend(this, Head.of(line), bytes,
                mirror == null ? List.of() : MirrorEntry.appended(line, bytes, mirroredBefore(line)), new CompletableFuture<>()));
    }

    /** The steps of which the mirror has answers for the document. */
    private Set<String> mirroredBefore(CheckpointLine line) {
        return switch (line) {
            case CheckpointLine.Forgotten _ -> find(line.id()).steps().keySet();
            case CheckpointLine.Done _ -> Arrays.stream(index.find(line.id()).steps()).map(StepLine::step).collect(Collectors.toSet());
            case CheckpointLine.Step _, CheckpointLine.Failed _ -> Set.of();
        };
    }

    /**
     * Appends a line as the mirror has it. Durable once the file is {@linkplain #mirrored level}.
     *
     * @param written completed when it is in the file
     */
    void appendRestored(Head head, byte[] bytes, CompletableFuture<Void> written) {
        restoring = true;
        shared.groupCommit().submit(new PendingAppend(this, head, bytes, List.of(), written));
    }

    /**
     * Tells the mirror, where there is one, that the result of a done line was emitted: the next owner need not. To be waited for
     * before the record is acknowledged. Fails once the checkpoint is closed: by then the next owner may know better.
     */
    public CompletableFuture<Void> emitted(CheckpointLine.Done line) {
        MirroredLines to = mirror;
        if (to == null) {
            return CompletableFuture.completedFuture(null);
        }
        return closed ? CompletableFuture.failedFuture(new ClosedException(path)) : to.send(MirrorEntry.emitted(line));
    }

    /**
     * A line on its way to the disk, and who waits for it.
     *
     * @param mirrored what it puts into the mirror; empty where that has it
     */
    record PendingAppend(Checkpoint checkpoint, Head head, byte[] bytes, List<MirrorEntry> mirrored, CompletableFuture<Void> durable) {}

    /**
     * Writes the lines of a group with one call and forces them with one fsync. On the group commit's thread only.
     *
     * @param buffer what is written goes through it
     * @throws IOException where the lines are not durable
     */
    void commit(List<PendingAppend> group, ByteBuffer buffer) throws IOException {
        if (failure != null) {
            throw failure;
        }
        if (closed) {
            throw new ClosedException(path);
        }
        try {
            long offset = appender.append(group, buffer, isForceDue(group));
            for (PendingAppend append : group) {
                Head head = append.head();
                index.put(head.id(), head.step(), LinePosition.of(offset, append.bytes().length - 1, head.status(), generation));
                offset += append.bytes().length;
            }
            end = offset;
        } catch (IOException | RuntimeException | Error e) {
            fail(e instanceof IOException io ? io : new IOException(e));
            throw failure;
        }
        upkeep.look();
    }

    /** What the mirror has is forced bit by bit, as a {@link Compaction} does it: appends to other files wait for what is on its way to the disk. */
    private boolean isForceDue(List<PendingAppend> group) {
        if (restoring) {
            unforced += group.stream().mapToLong(append -> append.bytes().length).sum();
            if (unforced < Compaction.FORCE_EVERY_BYTES) {
                return false;
            }
        }
        unforced = 0;
        return shared.durability() == Durability.FSYNC;
    }

    private void forceRest() throws IOException {
        if (unforced > 0 && shared.durability() == Durability.FSYNC) {
            try {
                appender.file().force(false);
            } catch (IOException e) {
                fail(e);
                throw e;
            }
        }
        unforced = 0;
        restoring = false;
    }

    /** Sends to the mirror what was just committed, and returns the lines that it need not confirm. On the group commit's thread only. */
    List<PendingAppend> mirror(List<PendingAppend> committed) {
        if (mirror == null) {
            return committed;
        }
        mirror.send(committed, appender.end());
        return List.of();
    }

    /** From now on lines go to the mirror, too. Before the first append, and after all that it had is in the file. */
    MirroredLines mirrored(Mirror to, String topic, Duration markEvery, long offset) throws IOException {
        CompletableFuture<MirroredLines> attached = new CompletableFuture<>();
        onWriter(() -> {
            forceRest();
            attached.complete(new MirroredLines(path, to, shared.upkeepExecutor(), topic, markEvery, offset, appender.end()));
            mirror = attached.join();
        });
        return attached.join();
    }

    /** How many entries the mirror has not confirmed yet. */
    int mirrorUnderWay() {
        return mirror == null ? 0 : mirror.underWay();
    }

    /** Nothing is appended any more. On the group commit's thread. */
    void fail(IOException cause) {
        if (failure == null) {
            failure = cause;
            shared.onFailure().accept(path, cause);
        }
    }

    @FunctionalInterface
    interface Action {
        void run() throws IOException;
    }

    /** Runs an action between two groups of appends, and waits for it. */
    void onWriter(Action action) throws IOException {
        CompletableFuture<IOException> thrown = new CompletableFuture<>();
        shared.groupCommit().await(() -> {
            try {
                if (failure != null) {
                    throw failure;
                }
                action.run();
                thrown.complete(null);
            } catch (IOException e) {
                thrown.complete(e);
            } catch (RuntimeException | Error e) {
                thrown.complete(new IOException(e));
            }
        });
        if (thrown.join() != null) {
            throw thrown.join();
        }
    }

    /**
     * Takes over the file that a compaction has put in the place of the one before, on the group commit's thread. The index
     * leads to the old one until it is told otherwise and {@link #closeReader} is called for it.
     *
     * @return the old file, to be closed by the caller
     */
    FileChannel replaced(LineAppender newAppender, LineReader newReader, Damage newDamage) throws IOException {
        FileChannel oldFile = appender.file();
        // Before its reader can be found: see find.
        appender = newAppender;
        end = newAppender.end();
        readers.set(1 - generation, newReader);
        generation = 1 - generation;
        damage = newDamage;
        if (mirror != null) {
            mirror.replaced(newAppender.end());
        }
        try {
            shared.disk().forceDirectory(path.getParent());
            return oldFile;
        } catch (IOException e) {
            fail(e);
            throw e;
        }
    }

    void closeReader(int ofGeneration) throws IOException {
        LineReader reader = readers.getAndSet(ofGeneration, null);
        if (reader != null) {
            reader.close();
        }
    }

    boolean readsTwoFiles() {
        return readers.get(0) != null && readers.get(1) != null;
    }

    /** On the group commit's thread. */
    Extent extent() {
        return new Extent(appender.end(), appender.isNewlineOwed(), damage);
    }

    /** How many bytes the file has, as far as look-ups find what is there. From any thread. */
    long end() {
        return end;
    }

    /** Bytes that no look-up leads to any more, damaged ones not counted. */
    long garbageBytes() {
        long end = this.end;
        return Math.max(0, end - index.liveBytes() - damage.bytes());
    }

    int generation() {
        return generation;
    }

    CheckpointIndex index() {
        return index;
    }

    int documents(Status status) {
        return index.documents(status);
    }

    Path path() {
        return path;
    }

    /** Returns when the appends that were submitted before are in the file. Later ones fail. */
    void stopAppends() {
        upkeep.stop();
        shared.groupCommit().await(() -> closed = true);
    }

    /** Waits for the mirror to confirm what it was sent, until this moment of {@link System#nanoTime} at most. */
    void awaitMirror(long deadlineNs) {
        if (mirror != null) {
            mirror.awaitConfirmed(deadlineNs);
        }
    }

    /** Closes the file after the appends that were submitted before, and gives the lock back. */
    void close() throws IOException {
        stopAppends();
        try (lock; LineReader one = readers.get(0); LineReader other = readers.get(1)) {
            if (mirror != null) {
                mirror.close();
            }
            try {
                if (failure == null) {
                    forceRest();
                }
            } finally {
                appender.close();
            }
            if (failure == null) {
                upkeep.writeLastSidecar();
            }
        }
    }
}
