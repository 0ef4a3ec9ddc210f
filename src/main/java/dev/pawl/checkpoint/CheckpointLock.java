package dev.pawl.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One writer a file. The lock lies beside the file and not on it: POSIX drops a process's lock on a file when any of its
 * descriptors of that file is closed, and compaction puts another file in its place. The operating system gives it back
 * when the process ends, however it ends.
 */
final class CheckpointLock implements Closeable {

    /** The files this process holds. Asked before the lock is: closing a second descriptor of it would give it back. */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path path;
    private final FileChannel channel;

    /** The file is another process's. */
    static final class HeldByAnotherException extends IOException {
        HeldByAnotherException(Path path, String holder) {
            super("%s is held by %s: two processes must not write one checkpoint. Stop that process, or give this one a %s of its own"
                    .formatted(path, holder, "pawl.checkpoint.directory"));
        }
    }

    private CheckpointLock(Path path, FileChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    /** @param path the checkpoint file's */
    static CheckpointLock take(Path path) throws IOException {
        if (!HELD.add(path)) {
            throw new HeldByAnotherException(path, "this very process");
        }
        FileChannel channel = null;
        try {
            Path lockPath = path.resolveSibling(path.getFileName() + ".lock");
            channel = FileChannel.open(lockPath, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            if (channel.tryLock() == null) {
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
