package dev.pawl.checkpoint;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

/** A disk under a checkpoint: a real file, which counts, can be held up, and fails when told to. */
final class FaultyDisk implements Disk {

    final AtomicInteger writes = new AtomicInteger();
    final AtomicInteger forces = new AtomicInteger();

    /** How many bytes it still takes; the write that goes beyond takes those and the next one fails. */
    volatile long bytesLeft = Long.MAX_VALUE;
    /** With this write, counted from one, only {@link #bytesOfLastWrite} are left. */
    volatile int lastWrite = Integer.MAX_VALUE;
    volatile int bytesOfLastWrite;
    /** The most bytes that one write takes. */
    volatile int bytesAtOnce = Integer.MAX_VALUE;
    volatile boolean forceFails;
    volatile boolean readsFail;
    volatile long usableBytes = Long.MAX_VALUE;
    /** The force, counted from one, that fails. One after it would succeed, with what this one lost: as Linux has it. */
    volatile int failingForce = Integer.MAX_VALUE;
    /** How much of the file would outlive a power cut. */
    volatile long forcedBytes;
    /** How long writes took since the last force, and that force, in nanoseconds; told after each force, on the writer's thread. */
    volatile LongConsumer timing = _ -> { };
    /** At zero from the start: writes wait for it. */
    volatile CountDownLatch gate = new CountDownLatch(0);

    /** Once the new file has its name. */
    volatile Checkpoint.Action afterReplace = () -> { };

    /** Told before everything the disk is asked for, and may refuse it. */
    volatile Watcher watcher = (_, _) -> { };

    enum Operation {
        OPEN,
        WRITE,
        FORCE,
        REPLACE,
        FORCE_DIRECTORY
    }

    @FunctionalInterface
    interface Watcher {
        void before(Operation operation, Path path) throws IOException;
    }

    @Override
    public FileChannel openForAppend(Path path) throws IOException {
        watcher.before(Operation.OPEN, path);
        FileChannel file = Disk.REAL.openForAppend(path);
        forcedBytes = file.size();
        return new Appender(file, path);
    }

    @Override
    public RandomAccessFile openForRead(Path path) throws IOException {
        return new RandomAccessFile(path.toFile(), "r") {
            @Override
            public int read(byte[] bytes, int offset, int length) throws IOException {
                if (readsFail) {
                    throw new IOException("Input/output error");
                }
                return super.read(bytes, offset, length);
            }
        };
    }

    @Override
    public void replace(Path from, Path to) throws IOException {
        watcher.before(Operation.REPLACE, to);
        Disk.REAL.replace(from, to);
        afterReplace.run();
    }

    @Override
    public long usableBytes(Path directory) throws IOException {
        return Math.min(usableBytes, Disk.REAL.usableBytes(directory));
    }

    @Override
    public void forceDirectory(Path directory) throws IOException {
        watcher.before(Operation.FORCE_DIRECTORY, directory);
        Disk.REAL.forceDirectory(directory);
    }

    private final class Appender extends FileChannel {

        private final FileChannel file;
        private final Path path;
        private long writtenNs;

        Appender(FileChannel file, Path path) {
            this.file = file;
            this.path = path;
        }

        @Override
        public int write(ByteBuffer bytes) throws IOException {
            if (writes.incrementAndGet() == lastWrite) {
                bytesLeft = bytesOfLastWrite;
            }
            watcher.before(Operation.WRITE, path);
            awaitGate();
            if (bytesLeft == 0) {
                throw new IOException("No space left on device");
            }
            int length = (int) Math.min(Math.min(bytesLeft, bytesAtOnce), bytes.remaining());
            ByteBuffer part = bytes.slice(bytes.position(), length);
            long from = System.nanoTime();
            while (part.hasRemaining()) {
                file.write(part);
            }
            writtenNs += System.nanoTime() - from;
            bytes.position(bytes.position() + length);
            bytesLeft -= length;
            return length;
        }

        private void awaitGate() throws IOException {
            try {
                gate.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }

        @Override
        public void force(boolean metaData) throws IOException {
            watcher.before(Operation.FORCE, path);
            if (forces.incrementAndGet() == failingForce || forceFails) {
                throw new IOException("Input/output error");
            }
            long from = System.nanoTime();
            file.force(metaData);
            timing.accept(writtenNs + System.nanoTime() - from);
            writtenNs = 0;
            forcedBytes = file.size();
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public FileChannel truncate(long size) throws IOException {
            file.truncate(size);
            return this;
        }

        @Override
        protected void implCloseChannel() throws IOException {
            file.close();
        }

        @Override
        public int read(ByteBuffer bytes) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long read(ByteBuffer[] bytes, int offset, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long write(ByteBuffer[] bytes, int offset, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long position() {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileChannel position(long position) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long transferTo(long position, long count, WritableByteChannel target) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long transferFrom(ReadableByteChannel source, long position, long count) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(ByteBuffer bytes, long position) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int write(ByteBuffer bytes, long position) {
            throw new UnsupportedOperationException();
        }

        @Override
        public MappedByteBuffer map(MapMode mode, long position, long size) {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileLock lock(long position, long size, boolean shared) {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileLock tryLock(long position, long size, boolean shared) {
            throw new UnsupportedOperationException();
        }
    }
}
