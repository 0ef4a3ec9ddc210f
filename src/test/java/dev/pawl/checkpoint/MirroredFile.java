package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.function.Predicate;

/** A process that owns a partition: its disk, the checkpoint on it, and the way to the mirror. It can be killed. */
final class MirroredFile {

    /** Marks whenever something is confirmed. */
    static final Duration OFTEN = Duration.ZERO;

    private static final String NAME = "documents-3.jsonl";

    final Path disk;
    final Checkpoint checkpoint;
    final MemoryMirror.Way way;
    private final MemoryMirror mirror;
    private final Restoration restoration;
    private long next;
    /** How many lines the mirror lacked. */
    int sent;
    /** How long closing waits for the mirror. */
    Duration lastWord = Duration.ofMillis(1);

    /** Opens it and takes nothing from the mirror yet. */
    MirroredFile(Opening opening, Path disk, MemoryMirror mirror, Duration markEvery) throws IOException {
        this.disk = disk;
        this.mirror = mirror;
        this.way = mirror.way();
        this.checkpoint = opening.openToRestore(disk.resolve(NAME));
        this.restoration = new Restoration(checkpoint, way, MemoryMirror.TOPIC, markEvery);
        this.next = restoration.offset();
    }

    static Path file(Path disk) {
        return disk.resolve(NAME);
    }

    Path file() {
        return file(disk);
    }

    /** The first offset that has to be read. */
    long offset() {
        return restoration.offset();
    }

    boolean isBehind() {
        return restoration.isBehind(mirror.end());
    }

    MirroredFile compareAll() {
        restoration.compareAll();
        next = restoration.offset();
        return this;
    }

    boolean isLevel() {
        return restoration.isLevel(mirror.end());
    }

    /** Takes entries up to this offset. */
    MirroredFile take(long end) throws IOException {
        for (MemoryMirror.Entry entry : mirror.from(next)) {
            if (entry.offset() < end) {
                restoration.take(entry.value());
                next = entry.offset() + 1;
            }
        }
        return this;
    }

    /** Takes what is left, and goes on with documents from then on. */
    MirroredFile level(Predicate<String> isAcknowledged) throws IOException {
        long end = mirror.end();
        take(end);
        sent = restoration.finish(end, isAcknowledged);
        return this;
    }

    History find(String id) {
        return checkpoint.find(id);
    }

    /** Appends, waits, and where it is done tells that its result was emitted. */
    void append(CheckpointLine line) {
        checkpoint.append(line).join();
    }

    void close() throws IOException {
        checkpoint.stopAppends();
        checkpoint.awaitMirror(System.nanoTime() + lastWord.toNanos());
        checkpoint.close();
    }

    /**
     * Ends it as a kill would: nothing more is written.
     *
     * @param arriving how many of the entries under way get to the mirror yet
     * @param left where the disk is afterwards: this one is closed in peace, for the sake of its threads and descriptors
     */
    void kill(int arriving, Path left) throws IOException {
        Files.createDirectories(left);
        copyIfThere(file(), file(left));
        copyIfThere(MirrorMark.path(file()), MirrorMark.path(file(left)));
        way.kill(arriving);
        checkpoint.close();
    }

    private static void copyIfThere(Path from, Path to) throws IOException {
        if (Files.exists(from)) {
            Files.copy(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
