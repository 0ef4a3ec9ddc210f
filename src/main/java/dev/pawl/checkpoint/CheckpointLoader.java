package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

import org.jboss.logging.Logger;

import dev.pawl.checkpoint.CheckpointScanner.End;
import dev.pawl.checkpoint.LineFormat.Head;
import dev.pawl.checkpoint.LineFormat.MalformedLineException;
import dev.pawl.checkpoint.Sidecar.Covered;
import dev.pawl.checkpoint.Sidecar.UselessException;

/**
 * Brings the index of a checkpoint into memory when it is opened: from its {@linkplain Sidecar sidecar} and the lines that
 * were appended after that, or, where the sidecar can't be believed, from all lines.
 *
 * <pre>
 * the sidecar                                     the file's own word                       what is read
 * ─────────────────────────────────────────────   ───────────────────────────────────────   ────────────
 * missing, torn, of another version, with a wrong                                           all
 * length or checksum
 * of another file (inode), of a longer one,                                                 all
 * of one with other bytes (samples)
 * written when the file was closed                written to since                          all
 *                                                 not written to since                      nothing
 * written while it was in use                     written to after its last line was made   all
 *                                                 last written to by an append              the tail
 * </pre>
 *
 * What a person did to the file while it was closed is so seen, as long as it is not the same length, in the same inode,
 * within seconds of the last append of a process that was killed.
 */
final class CheckpointLoader {

    /**
     * @param end where the next line goes; bytes beyond it are a torn line
     * @param newlineOwed whether the last line is whole but for its newline
     * @param sidecarEnd how much of the file the sidecar knew; 0 where it was of no use
     * @param compactedAtMs when garbage was last dropped, since the epoch; 0 where that is not known
     */
    record Loaded(CheckpointIndex index, long end, boolean newlineOwed, Damage damage, long sidecarEnd, long sidecarBytes,
            long compactedAtMs) {}

    private static final Logger LOG = Logger.getLogger(CheckpointLoader.class);

    /** An append follows the making of its line by as much as a slow disk takes. */
    private static final Duration APPEND_TIME = Duration.ofSeconds(5);

    private final Path path;
    private final Supplier<CheckpointIndex> emptyIndex;

    private CheckpointIndex index;
    private Damage damage = Damage.NONE;
    private long lastLine = LinePosition.NONE;

    CheckpointLoader(Path path, Supplier<CheckpointIndex> emptyIndex) {
        this.path = path;
        this.emptyIndex = emptyIndex;
    }

    /** Blocks for as long as reading takes. */
    Loaded load() throws IOException {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
            try {
                return fromSidecar(file);
            } catch (UselessException e) {
                if (Files.exists(Sidecar.path(path))) {
                    LOG.warnf("%s is of no use, reading the whole file: %s", Sidecar.path(path), e.getMessage());
                }
            }
            index = emptyIndex.get();
            damage = Damage.NONE;
            End end = scan(file, 0);
            return new Loaded(index, end.end(), end.unterminated(), damage, 0, 0, 0);
        }
    }

    /** @throws UselessException where the sidecar can't be believed, which is only known at the end */
    Loaded fromSidecar(FileChannel file) throws IOException, UselessException {
        index = emptyIndex.get();
        Sidecar.Content sidecar = Sidecar.read(path, file, index);
        Covered covered = sidecar.covered();
        damage = covered.damage();
        End end = scan(file, covered.end());
        if (!covered.closed()) {
            checkTime(covered);
        }
        boolean newlineOwed = end.end() == covered.end() ? covered.newlineOwed() : end.unterminated();
        return new Loaded(index, end.end(), newlineOwed, damage, covered.end(), sidecar.size(), covered.compactedAtMs());
    }

    private void checkTime(Covered covered) throws IOException, UselessException {
        long lastAppendNs = covered.timeNs();
        if (lastLine != LinePosition.NONE) {
            try (LineReader reader = new LineReader(path)) {
                byte[] bytes = reader.read(lastLine);
                long lineNs = TimeUnit.MILLISECONDS.toNanos(LineFormat.decode(bytes, 0, bytes.length).ts().toEpochMilli());
                lastAppendNs = Math.max(lastAppendNs, lineNs);
            } catch (MalformedLineException e) {
                throw new UselessException("the file changes while it is read");
            }
        }
        if (Sidecar.modifiedNs(path) > lastAppendNs + APPEND_TIME.toNanos()) {
            throw new UselessException("the file was written to after its last append");
        }
    }

    private End scan(FileChannel file, long from) throws IOException {
        return new CheckpointScanner(file, new CheckpointScanner.Visitor() {
            @Override
            public void line(Head head, byte[] bytes, int from, int to, long offset) {
                lastLine = LinePosition.of(offset, to - from, head.status(), 0);
                index.put(head.id(), head.step(), lastLine);
            }

            @Override
            public void damaged(long offset, long length, String why) {
                damage = damage.plus(offset, length, why);
            }
        }).scan(from, Long.MAX_VALUE);
    }
}
