package dev.pawl.spend;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

import dev.pawl.checkpoint.CheckpointLock;
import dev.pawl.spend.Account.DamagedException;

/**
 * A file with one account. It holds it as a line, twice, and the two places are written in turn: whatever a write that was
 * cut short leaves behind, the line before it is still whole.
 *
 * <pre>
 * {"version":4711,…,"crc":"9ae3f01b"}            spaces up to the place's length \n
 * {"version":4712,…,"crc":"0c44a1d2"}            spaces up to the place's length \n
 * </pre>
 *
 * The readable line with the greater version counts. A place is a page or a few; only when a line has outgrown it, or a process
 * takes the file over, is the file put together anew and renamed into its place.
 *
 * <p>One process writes it and holds its lock; others read it meanwhile. One thread at a time, but for {@link #force}.
 */
final class LedgerFile implements Closeable {

    static final String PREFIX = "spend-";
    static final String SUFFIX = ".json";

    private static final int PLACES = 2;
    private static final int MIN_PLACE_LENGTH = 4_096;

    private final Path path;
    private final CheckpointLock lock;
    /** Not a channel: documents' threads write, and a channel closes itself when one is interrupted. */
    private RandomAccessFile out;
    private byte[] place = {};
    private int longest;
    private int next;
    private volatile boolean renamed;

    private LedgerFile(Path path, CheckpointLock lock) {
        this.path = path;
        this.lock = lock;
    }

    /** @throws CheckpointLock.HeldByAnotherException where a process writes it */
    static LedgerFile take(Path path) throws IOException {
        return new LedgerFile(path, CheckpointLock.take(path));
    }

    static Path path(Path directory, int number) {
        return directory.resolve(PREFIX + number + SUFFIX);
    }

    Path path() {
        return path;
    }

    /**
     * The account a file holds; may be called while it is written.
     *
     * @return null where there is no such file, or an empty one
     * @throws DamagedException where none of its lines can be believed; it says what is wrong with the first
     */
    static Account read(Path path) throws IOException {
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(path);
        } catch (NoSuchFileException e) {
            return null;
        }
        Account latest = null;
        DamagedException damage = null;
        int start = 0;
        for (int at = 0; at <= bytes.length; at++) {
            if (at == bytes.length || bytes[at] == '\n') {
                byte[] line = withoutSpaces(bytes, start, at);
                start = at + 1;
                if (line.length == 0) {
                    continue;
                }
                try {
                    Account account = Account.decode(line);
                    latest = latest == null || account.version() > latest.version() ? account : latest;
                } catch (DamagedException e) {
                    damage = damage == null ? e : damage;
                }
            }
        }
        if (latest == null && damage != null) {
            throw damage;
        }
        return latest;
    }

    private static byte[] withoutSpaces(byte[] bytes, int from, int to) {
        int end = to;
        while (end > from && (bytes[end - 1] == ' ' || bytes[end - 1] == '\r')) {
            end--;
        }
        return Arrays.copyOfRange(bytes, from, end);
    }

    /** Sets a file aside that can't be believed, beside its place. */
    Path setAside() throws IOException {
        Path aside = path.resolveSibling(path.getFileName() + ".damaged");
        Files.move(path, aside, StandardCopyOption.REPLACE_EXISTING);
        return aside;
    }

    /** When it returns, the line is the operating system's and outlives this process. */
    void write(byte[] line) throws IOException {
        if (out == null || line.length >= place.length) {
            putTogether(line);
            return;
        }
        out.seek((long) next * place.length);
        out.write(place, 0, fillPlace(line, longest));
        longest = Math.max(longest, line.length);
        next = (next + 1) % PLACES;
    }

    private void putTogether(byte[] line) throws IOException {
        place = new byte[(line.length / MIN_PLACE_LENGTH + 1) * MIN_PLACE_LENGTH];
        fillPlace(line, place.length - 1);
        longest = line.length;
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        RandomAccessFile written = new RandomAccessFile(fresh.toFile(), "rw");
        try {
            written.setLength(0);
            for (int i = 0; i < PLACES; i++) {
                written.write(place);
            }
            written.getFD().sync();
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException | RuntimeException e) {
            written.close();
            throw e;
        }
        if (out != null) {
            out.close();
        }
        out = written;
        next = 0;
        renamed = true;
    }

    /** Returns how much of the place has to be written: up to the end of the longest line there was, the rest is spaces already. */
    private int fillPlace(byte[] line, int end) {
        System.arraycopy(line, 0, place, 0, line.length);
        Arrays.fill(place, line.length, Math.max(line.length, end), (byte) ' ');
        place[place.length - 1] = '\n';
        return Math.max(line.length, end);
    }

    /** When it returns, what was written before outlives a power cut. On any thread. */
    void force() throws IOException {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
            file.force(false);
        }
        if (renamed) {
            renamed = false;
            try (FileChannel directory = FileChannel.open(path.getParent(), StandardOpenOption.READ)) {
                directory.force(true);
            }
        }
    }

    @Override
    public void close() throws IOException {
        try (lock) {
            if (out != null) {
                out.close();
            }
        }
    }
}
