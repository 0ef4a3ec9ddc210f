package dev.pawl.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * One writer a file. The lock lies beside the file and not on it: POSIX drops a process's lock on a file when any of its
 * descriptors of that file is closed, and compaction puts another file in its place. The operating system gives it back
 * when the process ends, however it ends.
 */
public final class CheckpointLock implements Closeable {

    /** The files this process holds. Asked before the lock is: closing a second descriptor of it would give it back. */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private static final int ATTEMPTS = 3;
    private static final long PAUSE_NS = 20_000_000;

    private final Path path;
    private final FileChannel channel;

    /** The file is another process's. */
    public static final class HeldByAnotherException extends IOException {

        private final transient Path path;
        private final String holder;

        HeldByAnotherException(Path path, String holder) {
            super("%s is held by %s: two processes must not write one checkpoint. Stop that process, or give this one a %s of its own"
                    .formatted(path, holder, "pawl.checkpoint.directory"));
            this.path = path;
            this.holder = holder;
        }

        /** The checkpoint file's. */
        public Path path() {
            return path;
        }

        /** As it wrote itself down, such as {@code process 4711 on pawl-0}. */
        public String holder() {
            return holder;
        }
    }

    private CheckpointLock(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    /** @param path the checkpoint file's */
    public static CheckpointLock take(Path path) throws IOException {
        if (!HELD.add(path)) {
            throw new HeldByAnotherException(path, "this very process");
        }
        FileChannel channel = null;
        try {
            Path lockPath = lockPath(path);
            channel = FileChannel.open(lockPath, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            if (!lock(channel)) {
                throw new HeldByAnotherException(path, Files.readString(lockPath).strip());
            }
            String holder = "process %d on %s\n".formatted(ProcessHandle.current().pid(), hostName());
            channel.truncate(0).write(ByteBuffer.wrap(holder.getBytes(StandardCharsets.UTF_8)), 0);
            return new CheckpointLock(path, channel);
        } catch (IOException | RuntimeException e) {
            new CheckpointLock(path, channel).close();
            throw e;
        }
    }

    /** {@link #holder} may have it for some microseconds, which must not keep a process from its file. */
    private static boolean lock(FileChannel channel) throws IOException {
        for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
            if (channel.tryLock() != null) {
                return true;
            }
            LockSupport.parkNanos(PAUSE_NS);
        }
        return false;
    }

    /**
     * Who holds a file, without holding it: creates nothing, and leaves the holder's name as it is. The lock is asked for in
     * its shared form and given back at once, so that two who ask do not see each other.
     *
     * @param path the checkpoint file's
     * @return null where nobody does
     */
    static String holder(Path path) throws IOException {
        if (HELD.contains(path)) {
            return "this very process";
        }
        Path lockPath = lockPath(path);
        if (Files.notExists(lockPath)) {
            return null;
        }
        try (FileChannel channel = FileChannel.open(lockPath, StandardOpenOption.READ);
                FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true)) {
            return lock == null ? Files.readString(lockPath).strip() : null;
        }
    }

    private static Path lockPath(Path path) {
        return path.resolveSibling(path.getFileName() + ".lock");
    }

    private static String hostName() {
        String name = System.getenv("HOSTNAME");
        return name == null ? "this host" : name;
    }

    @Override
    public void close() throws IOException {
        try {
            if (channel != null) {
                channel.close();
            }
        } finally {
            HELD.remove(path);
        }
    }
}
