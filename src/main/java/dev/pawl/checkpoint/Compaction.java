package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

import dev.pawl.checkpoint.LineFormat.Head;

/**
 * Writes a checkpoint's live lines to a new file and puts it in the old one's place, while look-ups and appends go on:
 *
 * <pre>
 * step                                          thread   a kill or a fault here leaves
 * ───────────────────────────────────────────   ──────   ────────────────────────────────────────────────────
 * 1 copy what is live, force                    upkeep   the old file; the new one is deleted
 * 2 copy what was appended meanwhile, force     upkeep   the same
 * 3 copy the little that came since, force      writer   the same
 * 4 rename the new file to the old one's name   writer   the one or the other, with the same live lines
 * 5 force the directory                         writer   the same; a fault here stops all appends for good
 * 6 point the index to the new file's lines     upkeep   the new file
 * </pre>
 *
 * No append is answered between 3 and 5, which take about as long as a group commit. Between 4 and 6 the index points into both
 * files; positions say into which by their generation. What is damaged is copied as it is: somebody may want to look at it.
 */
final class Compaction {

    /** What may be left for the writer's thread to copy. A busy writer appends about as much in one group. */
    private static final int SMALL_BYTES = 256 << 10;
    private static final int BUFFER_BYTES = 1 << 20;
    /** An append's fsync may wait for what a journalling file system has to write of other files: it shall not be much. */
    static final int FORCE_EVERY_BYTES = 2 << 20;
    private static final int FREE_BYTES = 8 << 20;

    private final Checkpoint checkpoint;
    private final Disk disk;
    private final Retention retention;
    private final BooleanSupplier cancelled;
    private final Path unfinished;
    private final int oldGeneration;
    private final int newGeneration;

    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    private FileChannel target;
    /** The old file, once it has lost its name. */
    private FileChannel replaced;
    private long written;
    private long unforced;
    private Damage damage = Damage.NONE;
    /** Where lines went that were appended after the first copying began: few, and perhaps several of one document. */
    private final List<Move> moves = new ArrayList<>();

    private record Move(Head head, long from, long to) {}

    static final class CancelledException extends IOException {
        CancelledException() {
            super("the checkpoint is being closed");
        }
    }

    /** @param cancelled asked now and then; the file is left as it is once it says so */
    Compaction(Checkpoint checkpoint, Disk disk, Retention retention, BooleanSupplier cancelled) {
        this.checkpoint = checkpoint;
        this.disk = disk;
        this.retention = retention;
        this.cancelled = cancelled;
        this.unfinished = unfinished(checkpoint.path());
        this.oldGeneration = checkpoint.generation();
        this.newGeneration = 1 - oldGeneration;
    }

    /** Where the new file lies before it takes the old one's place. */
    static Path unfinished(Path checkpoint) {
        return checkpoint.resolveSibling(checkpoint.getFileName() + ".compacting");
    }

    /**
     * Blocks for as long as copying takes. One at a time.
     *
     * @throws IOException where it was given up; the checkpoint goes on with the old file unless it says otherwise itself
     */
    void run() throws IOException {
        Files.deleteIfExists(unfinished);
        target = disk.openForAppend(unfinished);
        long firstEnd = checkpoint.end();
        long firstWritten;
        try (FileChannel source = FileChannel.open(checkpoint.path(), StandardOpenOption.READ)) {
            copy(source, 0, firstEnd, false);
            firstWritten = written;
            long copied = firstEnd;
            while (checkpoint.end() - copied > SMALL_BYTES) {
                long end = checkpoint.end();
                copy(source, copied, end, true);
                copied = end;
            }
            long rest = copied;
            checkpoint.onWriter(() -> replace(source, rest));
        } finally {
            if (checkpoint.generation() == oldGeneration) {
                target.close();
                Files.deleteIfExists(unfinished);
            }
        }
        pointToNewLines(firstEnd, firstWritten);
    }

    private void replace(FileChannel source, long rest) throws IOException {
        copy(source, rest, checkpoint.end(), true);
        LineReader reader = new LineReader(disk.openForRead(unfinished));
        try {
            Files.deleteIfExists(Sidecar.path(checkpoint.path()));
            Files.deleteIfExists(MirrorMark.path(checkpoint.path()));
            disk.replace(unfinished, checkpoint.path());
        } catch (IOException | RuntimeException e) {
            reader.close();
            if (Files.notExists(unfinished)) {
                // A network's file system may rename and say that it has not: what is appended to the old file now is gone with it.
                checkpoint.fail(e instanceof IOException io ? io : new IOException(e));
            }
            throw e;
        }
        replaced = checkpoint.replaced(new LineAppender(target, written, false), reader, damage);
    }

    /** Copies what is live between two ends of lines, and makes it durable. */
    private void copy(FileChannel source, long from, long to, boolean appendedMeanwhile) throws IOException {
        new CheckpointScanner(source, new CheckpointScanner.Visitor() {
            @Override
            public void line(Head head, byte[] bytes, int from, int to, long offset) throws IOException {
                if (cancelled.getAsBoolean()) {
                    throw new CancelledException();
                }
                long position = LinePosition.of(offset, to - from, head.status(), oldGeneration);
                if (checkpoint.index().isLive(head.id(), head.step(), position)) {
                    copyLine(head, retention.retain(bytes, from, to), position, appendedMeanwhile);
                }
            }

            @Override
            public void damaged(long offset, long length, String why) throws IOException {
                damage = damage.plus(written + buffer.position(), length, why);
                copyAsItIs(source, offset, length);
            }
        }).scan(from, to);
        flush();
        target.force(false);
    }

    /** @param line null where it is dropped for its age */
    private void copyLine(Head head, ByteBuffer line, long position, boolean appendedMeanwhile) throws IOException {
        if (line == null) {
            return;
        }
        if (appendedMeanwhile) {
            long offset = written + buffer.position();
            moves.add(new Move(head, position, LinePosition.of(offset, line.remaining(), head.status(), newGeneration)));
        }
        put(line);
        putNewline();
    }

    private void copyAsItIs(FileChannel source, long offset, long length) throws IOException {
        for (long copied = 0; copied < length;) {
            flush();
            buffer.limit((int) Math.min(buffer.capacity(), length - copied));
            int read = source.read(buffer, offset + copied);
            if (read < 0) {
                throw new IOException(checkpoint.path() + " became shorter while it was read");
            }
            copied += read;
        }
        buffer.limit(buffer.capacity());
        putNewline();
    }

    private void put(ByteBuffer bytes) throws IOException {
        if (bytes.remaining() > buffer.remaining()) {
            flush();
        }
        if (bytes.remaining() <= buffer.remaining()) {
            buffer.put(bytes);
        } else {
            write(bytes);
        }
    }

    private void putNewline() throws IOException {
        if (!buffer.hasRemaining()) {
            flush();
        }
        buffer.put((byte) '\n');
    }

    private void flush() throws IOException {
        write(buffer.flip());
        buffer.clear();
    }

    private void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            int length = target.write(bytes);
            written += length;
            unforced += length;
        }
        if (unforced >= FORCE_EVERY_BYTES) {
            target.force(false);
            unforced = 0;
        }
    }

    /**
     * Of the first copying each document and step has at most one line. Where the index leads to it still, it leads to the old
     * line before {@code firstEnd}; else to a later line, which {@link #moves} knows or which was appended to the new file.
     */
    private void pointToNewLines(long firstEnd, long firstWritten) throws IOException {
        CheckpointIndex index = checkpoint.index();
        try (FileChannel file = FileChannel.open(checkpoint.path(), StandardOpenOption.READ)) {
            new CheckpointScanner(file, new CheckpointScanner.Visitor() {
                @Override
                public void line(Head head, byte[] bytes, int from, int to, long offset) {
                    index.move(head.id(), head.step(), LinePosition.of(offset, to - from, head.status(), newGeneration),
                            position -> isOld(position) && LinePosition.offset(position) < firstEnd);
                }

                @Override
                public void damaged(long offset, long length, String why) {
                    // Nothing leads there.
                }
            }).scan(0, firstWritten);
        }
        moves.forEach(move -> index.move(move.head().id(), move.head().step(), move.to(), position -> position == move.from()));
        // What was dropped for its age, or damaged since it was loaded.
        index.drop(this::isOld);
        checkpoint.closeReader(oldGeneration);
        freeOldFile();
    }

    /** Bit by bit: an append's fsync also waits while the blocks of a large file are freed at once. */
    private void freeOldFile() throws IOException {
        try (FileChannel old = replaced) {
            for (long size = old.size() - FREE_BYTES; size > 0; size -= FREE_BYTES) {
                old.truncate(size);
            }
        }
    }

    private boolean isOld(long position) {
        return LinePosition.generation(position) == oldGeneration;
    }
}
