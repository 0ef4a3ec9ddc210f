package dev.pawl.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.LongConsumer;

import dev.pawl.checkpoint.CheckpointScanner.End;
import dev.pawl.checkpoint.LineFormat.Head;
import dev.pawl.checkpoint.LineFormat.MalformedLineException;
import dev.pawl.checkpoint.LineFormat.Status;
import dev.pawl.checkpoint.Sidecar.UselessException;

/**
 * A checkpoint file as it is when it is opened here, to look into while another process may be writing it: without the lock, with
 * nothing written, and with what that process appends or compacts meanwhile left out. Believes the lines that a {@link Checkpoint}
 * would believe.
 *
 * <p>{@link #load} comes first; it takes about 30 bytes of heap a document. Not thread-safe.
 */
public final class ReadOnlyCheckpoint implements Closeable {

    /** A file with more damage than this was never a checkpoint, or is one no more. */
    public static final int MAX_PLACES = 1_000;

    private static final String NO_SIDECAR = "there is none";

    /** Whole lines, garbage included. */
    public record Lines(long step, long done, long failed, long forgotten) {

        /** Of all statuses. */
        public long sum() {
            return step + done + failed + forgotten;
        }
    }

    /**
     * Bytes that are no line.
     *
     * @param line the line they are in, or begin in, from 1
     * @param offset of the first of them in the file
     * @param why without a word of them
     */
    public record Place(long line, long offset, long length, String why) {}

    /**
     * What the file holds.
     *
     * @param bytes the file's length
     * @param documents by their last word
     * @param garbageBytes those of lines that later ones have replaced: what a compaction would drop
     * @param damaged the first {@link #MAX_PLACES} of the damaged places
     * @param torn bytes after the last line; null where there are none
     */
    public record Content(long bytes, Lines lines, Checkpoints.Totals documents, long garbageBytes, List<Place> damaged,
            long damagedPlaces, long damagedBytes, Place torn) {}

    /** What the next start can make of the sidecar beside the file. */
    public enum SidecarState {
        USABLE,
        MISSING,
        /** It can't be believed, which the next start notices: it reads the file instead. */
        USELESS,
        /** The next start would believe it, and be wrong. */
        WRONG,
        /** The process that holds the file writes it anew. */
        IN_USE
    }

    /** @param why it is of no use; null where it is, or where there is none */
    public record SidecarCheck(SidecarState state, String why) {}

    @FunctionalInterface
    public interface LineVisitor {
        void line(CheckpointLine line) throws IOException;
    }

    private final Path path;
    private final LineReader reader;
    private final FileChannel file;
    private final String holderAtOpen;
    private final Object fileKey;
    private final long size;
    private final CheckpointIndex index = new CheckpointIndex(this::idAt);

    private Content content;
    private long end;

    /** @throws IOException where there is no such file, or one that can't be read */
    public static ReadOnlyCheckpoint open(Path path) throws IOException {
        String holder = CheckpointLock.holder(path);
        Object fileKey = fileKey(path);
        LineReader reader = new LineReader(path);
        try {
            return new ReadOnlyCheckpoint(path, reader, holder, fileKey);
        } catch (IOException | RuntimeException e) {
            reader.close();
            throw e;
        }
    }

    private ReadOnlyCheckpoint(Path path, LineReader reader, String holder, Object fileKey) throws IOException {
        this.path = path;
        this.fileKey = fileKey;
        this.reader = reader;
        this.file = reader.channel();
        this.holderAtOpen = holder;
        this.size = file.size();
    }

    private static Object fileKey(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }

    /** A file that a {@link Compaction} has replaced is taken away bit by bit, also from under those who read it. */
    private void requireWhole() throws IOException {
        if (file.size() < size && !Objects.equals(fileKey, fileKey(path))) {
            throw new IOException(path + " was compacted while it was read; run this again");
        }
    }

    /** Who holds a checkpoint file at this moment, such as {@code process 4711 on pawl-0}; null where nobody does. */
    public static String holder(Path path) throws IOException {
        return CheckpointLock.holder(path);
    }

    /** Who holds this file, or held it when it was opened here: its last line may be one under way. Null where nobody does. */
    public String holder() throws IOException {
        return holderAtOpen != null ? holderAtOpen : CheckpointLock.holder(path);
    }

    public Path path() {
        return path;
    }

    /** In bytes, when it was opened here. */
    public long size() {
        return size;
    }

    /**
     * Reads the whole file once.
     *
     * @param progress told now and then how many bytes are read
     */
    public Content load(LongConsumer progress) throws IOException {
        long[] lines = new long[Status.values().length];
        List<Place> damaged = new ArrayList<>();
        Damage[] damage = { Damage.NONE };
        End found = new CheckpointScanner(file, new CheckpointScanner.Visitor() {
            @Override
            public void line(Head head, byte[] bytes, int from, int to, long offset) {
                lines[head.status().ordinal()]++;
                index.put(head.id(), head.step(), LinePosition.of(offset, to - from, head.status(), 0));
                progress.accept(offset);
            }

            @Override
            public void damaged(long offset, long length, String why) {
                damage[0] = damage[0].plus(offset, length, why);
                if (damaged.size() < MAX_PLACES) {
                    damaged.add(new Place(0, offset, length, why));
                }
                progress.accept(offset);
            }
        }).scan(0, size);
        requireWhole();
        end = found.end();
        // Shorter than it was where a process that started meanwhile has cut off a torn line.
        long torn = Math.min(size, file.size()) - end;
        if (torn > 0) {
            damaged.add(new Place(0, end, torn, "a torn last line"));
        }
        List<Place> places = numbered(damaged);
        long garbage = Math.max(0, end - index.liveBytes() - damage[0].bytes());
        content = new Content(size, new Lines(lines[Status.STEP.ordinal()], lines[Status.DONE.ordinal()],
                lines[Status.FAILED.ordinal()], lines[Status.FORGOTTEN.ordinal()]), documents(index), garbage,
                torn > 0 ? places.subList(0, places.size() - 1) : places, damage[0].places(), damage[0].bytes(),
                torn > 0 ? places.getLast() : null);
        return content;
    }

    /** Each document once: one that was forgotten and begun again is unfinished. */
    private static Checkpoints.Totals documents(CheckpointIndex index) {
        int begunAgain = 0;
        for (String id : index.beginSnapshot().steps().keySet()) {
            long last = index.find(id).last();
            begunAgain += last != LinePosition.NONE && LinePosition.status(last) == Status.FORGOTTEN ? 1 : 0;
        }
        index.endSnapshot();
        return new Checkpoints.Totals(index.documents(Status.DONE), index.documents(Status.FAILED),
                index.documents(Status.FORGOTTEN) - begunAgain, index.documents(Status.STEP));
    }

    private List<Place> numbered(List<Place> places) throws IOException {
        LineNumbers numbers = new LineNumbers(file);
        List<Place> numbered = new ArrayList<>();
        for (Place place : places) {
            numbered.add(new Place(numbers.at(place.offset()), place.offset(), place.length(), place.why()));
        }
        return List.copyOf(numbered);
    }

    /** Compares the sidecar with what {@link #load} found. For a moment it takes as much memory again. */
    public SidecarCheck checkSidecar() throws IOException {
        if (holder() != null) {
            return new SidecarCheck(SidecarState.IN_USE, null);
        }
        try {
            CheckpointIndex believed = new CheckpointLoader(path, () -> new CheckpointIndex(this::idAt)).fromSidecar(file).index();
            if (documents(believed).equals(content.documents())) {
                return new SidecarCheck(SidecarState.USABLE, null);
            }
            // A process that started meanwhile has made both of them others.
            return holder() != null ? new SidecarCheck(SidecarState.IN_USE, null)
                    : new SidecarCheck(SidecarState.WRONG, "it counts other documents than the file holds");
        } catch (UselessException e) {
            return e.getMessage().equals(NO_SIDECAR)
                    ? new SidecarCheck(SidecarState.MISSING, null)
                    : new SidecarCheck(SidecarState.USELESS, e.getMessage());
        }
    }

    /**
     * Reads the whole file once more, and gives each document's last done, failed or forgotten line and the steps of unfinished
     * ones, in the file's order.
     *
     * @return how many of them could not be read, though their checksum is right: another program's work
     */
    public long forEachLive(LineVisitor visitor, LongConsumer progress) throws IOException {
        long[] unreadable = { 0 };
        new CheckpointScanner(file, new CheckpointScanner.Visitor() {
            @Override
            public void line(Head head, byte[] bytes, int from, int to, long offset) throws IOException {
                progress.accept(offset);
                if (!index.isLive(head.id(), head.step(), LinePosition.of(offset, to - from, head.status(), 0))) {
                    return;
                }
                CheckpointLine line;
                try {
                    line = LineFormat.decode(bytes, from, to);
                } catch (MalformedLineException e) {
                    unreadable[0]++;
                    return;
                }
                visitor.line(line);
            }

            @Override
            public void damaged(long offset, long length, String why) {
                progress.accept(offset);
            }
        }).scan(0, end);
        requireWhole();
        return unreadable[0];
    }

    /** A document's last done, failed or forgotten line; null where it has none that can be read. */
    public CheckpointLine last(String id) throws IOException {
        long position = index.find(id).last();
        if (position == LinePosition.NONE) {
            return null;
        }
        try {
            byte[] bytes = reader.read(position);
            CheckpointLine line = LineFormat.decode(bytes, 0, bytes.length);
            return line.id().equals(id) ? line : null;
        } catch (MalformedLineException e) {
            return null;
        }
    }

    private String idAt(long position) {
        try {
            byte[] bytes = reader.read(position);
            return LineFormat.head(bytes, 0, bytes.length).id();
        } catch (IOException | MalformedLineException e) {
            return null;
        }
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
