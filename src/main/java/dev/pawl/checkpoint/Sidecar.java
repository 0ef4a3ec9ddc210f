package dev.pawl.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32C;

import dev.pawl.checkpoint.Checkpoint.Extent;
import dev.pawl.checkpoint.CheckpointIndex.Snapshot;
import dev.pawl.checkpoint.CheckpointIndex.StepLine;
import dev.pawl.checkpoint.LineFormat.Status;

/**
 * The index of a checkpoint as a file beside it, {@code documents-3.jsonl.index}, so that a start reads only what was appended
 * after it was written. It is a cache: whoever can't believe it reads the checkpoint instead.
 *
 * <pre>
 * magic and version                              8 bytes; all numbers are big-endian
 * {@link Covered}                                which bytes of which file, and how to know them again
 * documents by status, live bytes                as the index counts them
 * number of unfinished documents, then each      ID, number of its steps, and name and position of each
 * number of colliding documents, then each       ID, position
 * 1,024 tables                                   number of entries, and hash and position of each, in their order
 * length of all, with these two                  8 bytes
 * CRC-32C of all before it                       8 bytes
 * </pre>
 */
final class Sidecar {

    /**
     * @param end how many bytes of the checkpoint the index knows
     * @param newlineOwed whether the last of them is of a line without its newline
     * @param inode the file's; 0 where the file system has none
     * @param closed whether nothing was to be appended any more: then the file's time must be {@code timeNs}
     * @param timeNs the file's modification time where {@code closed}, else when this was written; since the epoch
     * @param sample the checksum of bytes from all over the file: what was inserted or deleted before {@code end} changes it
     * @param compactedAtMs when garbage was last dropped, since the epoch; 0 where that is not known
     */
    record Covered(long end, boolean newlineOwed, long inode, boolean closed, long timeNs, long sample, long compactedAtMs, Damage damage) {}

    record Content(Covered covered, CheckpointIndex index, long size) {}

    /** Why a sidecar is of no use. */
    static final class UselessException extends Exception {
        UselessException(String why) {
            super(why, null, false, false);
        }
    }

    private static final long MAGIC_AND_VERSION = 0x5041574C_49445801L;
    private static final int SAMPLES = 16;
    private static final int SAMPLE_BYTES = 4096;

    private Sidecar() {
    }

    static Path path(Path checkpoint) {
        return checkpoint.resolveSibling(checkpoint.getFileName() + ".index");
    }

    /** What to know a checkpoint's first bytes by. */
    static Covered cover(Path checkpoint, Extent extent, boolean closed, long nowMs, long compactedAtMs) throws IOException {
        try (FileChannel file = FileChannel.open(checkpoint, StandardOpenOption.READ)) {
            return new Covered(extent.end(), extent.newlineOwed(), inode(checkpoint), closed,
                    closed ? modifiedNs(checkpoint) : TimeUnit.MILLISECONDS.toNanos(nowMs),
                    sample(file, extent.end()), compactedAtMs, extent.damage());
        }
    }

    /** In nanoseconds since the epoch. */
    static long modifiedNs(Path checkpoint) throws IOException {
        return Files.getLastModifiedTime(checkpoint).to(TimeUnit.NANOSECONDS);
    }

    private static long inode(Path checkpoint) throws IOException {
        try {
            return (long) Files.getAttribute(checkpoint, "unix:ino");
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            return 0;
        }
    }

    private static long sample(FileChannel file, long end) throws IOException {
        CRC32C crc = new CRC32C();
        ByteBuffer buffer = ByteBuffer.allocate(SAMPLE_BYTES);
        for (int i = 0; i <= SAMPLES; i++) {
            long offset = i < SAMPLES ? end * i / SAMPLES : Math.max(0, end - SAMPLE_BYTES);
            buffer.clear().limit((int) Math.min(SAMPLE_BYTES, end - offset));
            while (buffer.hasRemaining() && file.read(buffer, offset + buffer.position()) >= 0) {
                // The condition reads.
            }
            crc.update(buffer.flip());
        }
        return crc.getValue();
    }

    /**
     * Writes a sidecar in the place of the one before. Takes its time.
     *
     * @param hurried asked now and then whether somebody waits for it
     * @return its length in bytes
     */
    static long write(Path checkpoint, Covered covered, CheckpointIndex index, Snapshot snapshot, BooleanSupplier hurried)
            throws IOException {
        Path path = path(checkpoint);
        Path unfinished = path.resolveSibling(path.getFileName() + ".new");
        try {
            long length;
            try (SidecarOutput out = new SidecarOutput(FileChannel.open(unfinished,
                    StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE), hurried)) {
                write(out, covered, index, snapshot);
                length = out.finish();
            }
            Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return length;
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    private static void write(SidecarOutput out, Covered covered, CheckpointIndex index, Snapshot snapshot) throws IOException {
        out.putLong(MAGIC_AND_VERSION);
        out.putLong(covered.end());
        out.putLong(covered.newlineOwed() ? 1 : 0);
        out.putLong(covered.inode());
        out.putLong(covered.closed() ? 1 : 0);
        out.putLong(covered.timeNs());
        out.putLong(covered.sample());
        out.putLong(covered.compactedAtMs());
        out.putLong(covered.damage().places());
        out.putLong(covered.damage().bytes());
        out.putString(covered.damage().first() == null ? "" : covered.damage().first());
        for (int documents : snapshot.documentsByStatus()) {
            out.putLong(documents);
        }
        out.putLong(snapshot.liveBytes());
        out.putLong(snapshot.steps().size());
        for (Map.Entry<String, StepLine[]> document : snapshot.steps().entrySet()) {
            out.putString(document.getKey());
            out.putLong(document.getValue().length);
            for (StepLine line : document.getValue()) {
                out.putString(line.step());
                out.putPosition(line.position());
            }
        }
        out.putLong(snapshot.collisions().size());
        for (Map.Entry<String, Long> document : snapshot.collisions().entrySet()) {
            out.putString(document.getKey());
            out.putPosition(document.getValue());
        }
        for (int table = 0; table < CheckpointIndex.TABLES; table++) {
            long[] entries = index.entriesAt(table, covered.end());
            out.putLong(entries.length / 2);
            for (int i = 0; i < entries.length; i += 2) {
                out.putLong(entries[i]);
                out.putPosition(entries[i + 1]);
            }
        }
    }

    /**
     * Reads the sidecar of a checkpoint, if it may be believed as far as it and the file's present state tell.
     *
     * @throws UselessException where it may not
     */
    static Content read(Path checkpoint, FileChannel file, CheckpointIndex index) throws IOException, UselessException {
        Path path = path(checkpoint);
        if (Files.notExists(path)) {
            throw new UselessException("there is none");
        }
        try (SidecarInput in = new SidecarInput(FileChannel.open(path, StandardOpenOption.READ))) {
            if (in.getLong() != MAGIC_AND_VERSION) {
                throw new UselessException("it is of another version");
            }
            Covered covered = new Covered(in.getLong(), in.getLong() == 1, in.getLong(), in.getLong() == 1, in.getLong(), in.getLong(),
                    in.getLong(), new Damage((int) in.getLong(), in.getLong(), emptyToNull(in.getString())));
            check(checkpoint, file, covered);
            readIndex(in, index);
            in.finish();
            return new Content(covered, index, in.length);
        } catch (EOFException e) {
            throw new UselessException("it is torn");
        }
    }

    private static void check(Path checkpoint, FileChannel file, Covered covered) throws IOException, UselessException {
        if (covered.end() < 0 || covered.end() > file.size()) {
            throw new UselessException("the file is shorter than it was");
        }
        if (covered.inode() != inode(checkpoint) || covered.sample() != sample(file, covered.end())) {
            throw new UselessException("it is another file's, or one that was changed");
        }
        if (covered.closed() && covered.timeNs() != modifiedNs(checkpoint)) {
            throw new UselessException("the file was written to since it was closed");
        }
    }

    private static void readIndex(SidecarInput in, CheckpointIndex index) throws IOException {
        int[] documentsByStatus = new int[Status.values().length];
        for (int i = 0; i < documentsByStatus.length; i++) {
            documentsByStatus[i] = (int) in.getLong();
        }
        long liveBytes = in.getLong();
        Map<String, StepLine[]> steps = new HashMap<>();
        for (int i = in.getCount(); i > 0; i--) {
            String id = in.getString();
            StepLine[] lines = new StepLine[in.getCount()];
            for (int line = 0; line < lines.length; line++) {
                lines[line] = new StepLine(in.getString(), in.getLong());
            }
            steps.put(id, lines);
        }
        Map<String, Long> collisions = new HashMap<>();
        for (int i = in.getCount(); i > 0; i--) {
            collisions.put(in.getString(), in.getLong());
        }
        index.restore(new Snapshot(steps, collisions, documentsByStatus, liveBytes));
        for (int table = 0; table < CheckpointIndex.TABLES; table++) {
            int entries = in.getCount();
            PositionTable positions = index.restore(table, entries);
            for (int i = 0; i < entries; i++) {
                in.require(2 * Long.BYTES);
                positions.put(in.buffer.getLong(), in.buffer.getLong());
            }
        }
    }

    private static String emptyToNull(String text) {
        return text.isEmpty() ? null : text;
    }
}
