package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;

import org.jboss.logging.Logger;

import dev.pawl.PawlConfig.Checkpoint.Durability;
import dev.pawl.checkpoint.CheckpointIndex.Positions;
import dev.pawl.checkpoint.CheckpointLoader.Loaded;
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
 * a whole last line without a newline        kept; the next append puts the newline first
 * a torn last line                           cut off: its append was never answered
 * a malformed line before that               passed over and reported; its document runs again
 * another process's lock                     {@link HeldByAnotherException}, which names the process
 *
 * happens while open
 * ────────────────────────────────────────   ─────────────────────────────────────────────────────────────
 * a write or fsync fails                     this append and all later ones fail, for good: the page cache
 *                                            can't be trusted after that; a restart reads what is really there
 * </pre>
 *
 * <p>{@link #find} and {@link #append} may be called from any thread. Writing happens on the thread of
 * {@link GroupCommit} alone.
 */
public final class Checkpoint {

    private static final Logger LOG = Logger.getLogger(Checkpoint.class);

    /** A group of usual lines goes out with one call; a group of huge ones does not need their sum in memory again. */
    private static final int MAX_WRITE_BYTES = 8 << 20;

    /** The files this process holds. Asked before the lock is: closing a second descriptor of it would give it back. */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path path;
    private final Durability durability;
    private final GroupCommit groupCommit;
    private final BiConsumer<Path, IOException> onFailure;
    private final FileChannel lockChannel;
    private final FileChannel appender;
    private volatile FileChannel reader;
    private final CheckpointIndex index = new CheckpointIndex(this::idAt);

    private long end;
    private boolean newlineOwed;
    private IOException failure;
    private volatile boolean closed;

    /** The file is another process's. */
    public static final class HeldByAnotherException extends IOException {
        HeldByAnotherException(Path path, String holder) {
            super("%s is held by %s: two processes must not write one checkpoint. Stop that process, or give this one a %s of its own"
                    .formatted(path, holder, "pawl.checkpoint.directory"));
        }
    }

    /** The partition went to another owner, or the process ends. */
    public static final class ClosedException extends IOException {
        ClosedException(Path path) {
            super(path + " is closed");
        }
    }

    /** Opens the channel that lines are appended through. Tests put a failing disk behind it. */
    @FunctionalInterface
    interface AppenderOpener {
        FileChannel open(Path path) throws IOException;
    }

    private Checkpoint(Path path, Durability durability, GroupCommit groupCommit, BiConsumer<Path, IOException> onFailure,
            AppenderOpener appenders, FileChannel lockChannel) throws IOException {
        this.path = path;
        this.durability = durability;
        this.groupCommit = groupCommit;
        this.onFailure = onFailure;
        this.lockChannel = lockChannel;
        boolean created = Files.notExists(path);
        this.appender = appenders.open(path);
        this.reader = FileChannel.open(path, StandardOpenOption.READ);
        if (created) {
            force(path.getParent());
        }
        load();
    }

    /**
     * Opens and loads the file, and creates it where there is none. Blocks for as long as reading it takes.
     *
     * @param onFailure told once, on the group commit's thread, when a write or fsync failed
     */
    static Checkpoint open(Path path, Durability durability, GroupCommit groupCommit, BiConsumer<Path, IOException> onFailure)
            throws IOException {
        return open(path, durability, groupCommit, onFailure, Checkpoint::openAppender);
    }

    static Checkpoint open(Path path, Durability durability, GroupCommit groupCommit, BiConsumer<Path, IOException> onFailure,
            AppenderOpener appenders) throws IOException {
        if (!HELD.add(path)) {
            throw new HeldByAnotherException(path, "this very process");
        }
        FileChannel lockChannel = null;
        try {
            lockChannel = lock(path);
            return new Checkpoint(path, durability, groupCommit, onFailure, appenders, lockChannel);
        } catch (IOException | RuntimeException e) {
            release(path, lockChannel);
            throw e;
        }
    }

    private static void release(Path path, FileChannel lockChannel) throws IOException {
        try {
            if (lockChannel != null) {
                lockChannel.close();
            }
        } finally {
            HELD.remove(path);
        }
    }

    static FileChannel openAppender(Path path) throws IOException {
        return FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
    }

    /**
     * The lock lies beside the file and not on it: POSIX drops a process's lock on a file when any of its descriptors
     * of that file is closed.
     */
    private static FileChannel lock(Path path) throws IOException {
        Path lockPath = path.resolveSibling(path.getFileName() + ".lock");
        FileChannel channel = FileChannel.open(lockPath,
                StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw new HeldByAnotherException(path, Files.readString(lockPath).strip());
            }
            String holder = "process %d on %s\n".formatted(ProcessHandle.current().pid(), hostName());
            channel.truncate(0).write(ByteBuffer.wrap(holder.getBytes(StandardCharsets.UTF_8)), 0);
            return channel;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static String hostName() {
        String name = System.getenv("HOSTNAME");
        return name == null ? "this host" : name;
    }

    private void load() throws IOException {
        Loaded loaded = new CheckpointLoader(reader, index).load();
        end = loaded.end();
        newlineOwed = loaded.unterminated();
        long torn = appender.size() - end;
        if (torn > 0) {
            LOG.warnf("%s: cut off a torn last line of %d bytes; its document was never acknowledged", path, torn);
            appender.truncate(end);
            appender.force(true);
        }
        if (loaded.malformed() > 0) {
            LOG.warnf("%s: passed over %d malformed lines, the first at %s", path, loaded.malformed(), loaded.firstMalformed());
        }
        LOG.infof("%s: %d done, %d failed, %d unfinished",
                path, documents(Status.DONE), documents(Status.FAILED), documents(Status.STEP));
    }

    /** What the file holds of a document. Reads the lines it finds; no other input or output. */
    History find(String id) {
        Positions positions = index.find(id);
        CheckpointLine last = positions.last() == LinePosition.NONE ? null : confirmed(id, positions.last());
        Map<String, CheckpointLine.StepOutput> steps = new HashMap<>();
        if (last instanceof CheckpointLine.Done done) {
            done.steps().forEach(step -> steps.put(step.step(), step));
        }
        for (long position : positions.steps()) {
            if (confirmed(id, position) instanceof CheckpointLine.Step step) {
                steps.put(step.output().step(), step.output());
            }
        }
        return last == null && steps.isEmpty() ? History.NONE : new History(last, steps);
    }

    private CheckpointLine confirmed(String id, long position) {
        CheckpointLine line = lineAt(position);
        return line != null && line.id().equals(id) ? line : null;
    }

    private String idAt(long position) {
        CheckpointLine line = lineAt(position);
        return line == null ? null : line.id();
    }

    /** Null where the bytes are no longer a line: the file was changed under a running process. */
    private CheckpointLine lineAt(long position) {
        try {
            byte[] bytes = read(LinePosition.offset(position), LinePosition.length(position));
            return LineFormat.decode(bytes, 0, bytes.length);
        } catch (IOException | MalformedLineException e) {
            LOG.errorf("%s: the line at byte %d can't be read back: %s", path, LinePosition.offset(position), e.getMessage());
            return null;
        }
    }

    private byte[] read(long offset, int length) throws IOException {
        byte[] bytes = new byte[length == 0 ? LineFormat.MAX_LINE_BYTES : length];
        int filled = readFully(bytes, offset);
        if (length != 0) {
            return bytes;
        }
        int newline = 0;
        while (newline < filled && bytes[newline] != '\n') {
            newline++;
        }
        return Arrays.copyOf(bytes, newline);
    }

    /** Up to the end of the file. An interrupt closes the channel that a thread reads from, under all other readers as well. */
    private int readFully(byte[] bytes, long offset) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                FileChannel channel = reader;
                try {
                    ByteBuffer buffer = ByteBuffer.wrap(bytes);
                    while (buffer.hasRemaining() && channel.read(buffer, offset + buffer.position()) >= 0) {
                        // The condition reads.
                    }
                    return buffer.position();
                } catch (ClosedChannelException e) {
                    interrupted |= Thread.interrupted();
                    reopenReader(channel);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private synchronized void reopenReader(FileChannel broken) throws IOException {
        if (closed) {
            throw new ClosedException(path);
        }
        if (reader == broken) {
            reader = FileChannel.open(path, StandardOpenOption.READ);
        }
    }

    private synchronized void closeReader() throws IOException {
        reader.close();
    }

    /**
     * Appends a line. The future completes on the group commit's thread once the line is durable, or exceptionally:
     * then the line may or may not be in the file, and nobody may act as if it were.
     */
    public CompletableFuture<Void> append(CheckpointLine line) {
        return groupCommit.submit(new PendingAppend(this, line, LineFormat.encode(line), new CompletableFuture<>()));
    }

    /** A line on its way to the disk, and who waits for it. */
    record PendingAppend(Checkpoint checkpoint, CheckpointLine line, byte[] bytes, CompletableFuture<Void> durable) {}

    /** Writes the lines of a group with one call and forces them with one fsync. On the group commit's thread only. */
    void commit(List<PendingAppend> group) {
        try {
            if (failure != null) {
                throw failure;
            }
            if (closed) {
                throw new ClosedException(path);
            }
            write(group);
        } catch (ClosedException e) {
            group.forEach(append -> append.durable().completeExceptionally(e));
            return;
        } catch (IOException | RuntimeException | Error e) {
            fail(e instanceof IOException io ? io : new IOException(e));
            group.forEach(append -> append.durable().completeExceptionally(failure));
            return;
        }
        group.forEach(append -> append.durable().complete(null));
    }

    private void write(List<PendingAppend> group) throws IOException {
        long start = end + (newlineOwed ? 1 : 0);
        long size = group.stream().mapToLong(append -> append.bytes().length).sum();
        if (start + size > LinePosition.MAX_OFFSET) {
            throw new IOException(path + " has reached its largest size, 256 GiB");
        }
        if (newlineOwed) {
            write(ByteBuffer.wrap(new byte[] { '\n' }));
            newlineOwed = false;
        }
        ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(size, MAX_WRITE_BYTES));
        for (PendingAppend append : group) {
            if (append.bytes().length > buffer.remaining()) {
                write(buffer.flip());
                buffer = append.bytes().length > buffer.capacity() ? ByteBuffer.allocate(append.bytes().length) : buffer.clear();
            }
            buffer.put(append.bytes());
        }
        write(buffer.flip());
        if (durability == Durability.FSYNC) {
            appender.force(false);
        }
        end = start + size;
        long offset = start;
        for (PendingAppend append : group) {
            index.put(append.line().id(), LinePosition.of(offset, append.bytes().length - 1, statusOf(append.line())));
            offset += append.bytes().length;
        }
    }

    private void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            appender.write(bytes);
        }
    }

    private static Status statusOf(CheckpointLine line) {
        return switch (line) {
            case CheckpointLine.Step _ -> Status.STEP;
            case CheckpointLine.Done _ -> Status.DONE;
            case CheckpointLine.Failed _ -> Status.FAILED;
            case CheckpointLine.Forgotten _ -> Status.FORGOTTEN;
        };
    }

    private void fail(IOException cause) {
        if (failure == null) {
            failure = cause;
            onFailure.accept(path, cause);
        }
    }

    int documents(Status status) {
        return index.documents(status);
    }

    Path path() {
        return path;
    }

    /** Closes the file after the appends that were submitted before, and gives the lock back. Later ones fail. */
    void close() throws IOException {
        groupCommit.await(() -> closed = true);
        appender.close();
        closeReader();
        release(path, lockChannel);
    }

    private static void force(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
