package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

import dev.pawl.checkpoint.Checkpoint.ClosedException;
import dev.pawl.checkpoint.Checkpoint.PendingAppend;
import dev.pawl.checkpoint.Checkpoints.Writes;

/**
 * One thread for a directory of checkpoints that makes concurrent appends share their writes and fsyncs: it takes what
 * waits, lets each file write and force its lines once, and goes on with what came meanwhile. A single append is
 * written at once, or within a millisecond after a small group; the busier the disk, the larger the groups.
 */
final class GroupCommit implements AutoCloseable {

    /** Bounds the memory of one write; larger groups gain nothing any more. */
    private static final int MAX_GROUP = 4096;
    /** A group of usual lines goes out with one call. */
    private static final int BUFFER_BYTES = 1 << 20;
    /** Lines a file. */
    private static final int SMALL_GROUP = 16;
    private static final long LONGEST_REST_NS = 1_000_000;

    private sealed interface Work {
        record Append(PendingAppend append) implements Work {}

        record Barrier(Runnable action, CompletableFuture<Void> done) implements Work {}

        record Stop() implements Work {}
    }

    /** Without a lock: a thousand virtual threads would wait for each other at it. */
    private final ConcurrentLinkedQueue<Work> queue = new ConcurrentLinkedQueue<>();
    private volatile boolean idle;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private volatile boolean stopped;
    private volatile Writes writes = new Writes(0, 0, 0);
    private final Thread thread = new Thread(this::run, "checkpoint-writer");

    GroupCommit() {
        thread.setDaemon(true);
        thread.start();
    }

    CompletableFuture<Void> submit(PendingAppend append) {
        put(new Work.Append(append));
        return append.durable();
    }

    /** Runs an action on the writer's thread, after all that was submitted before, and waits for it. */
    void await(Runnable action) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        put(new Work.Barrier(action, done));
        done.join();
    }

    private void put(Work work) {
        queue.add(work);
        if (idle) {
            LockSupport.unpark(thread);
        }
        if (stopped) {
            refuse(queue.poll());
        }
    }

    /** What comes after the end: nobody may wait for ever. */
    private static void refuse(Work late) {
        switch (late) {
            case Work.Append(PendingAppend append) ->
                append.durable().completeExceptionally(new ClosedException(append.checkpoint().path()));
            case Work.Barrier barrier -> {
                barrier.action().run();
                barrier.done().complete(null);
            }
            case Work.Stop() -> { }
            case null -> { }
        }
    }

    private void run() {
        List<Work> taken = new ArrayList<>();
        while (true) {
            take(taken);
            Map<Checkpoint, List<PendingAppend>> groups = new LinkedHashMap<>();
            for (Work work : taken) {
                switch (work) {
                    case Work.Append(PendingAppend append) ->
                        groups.computeIfAbsent(append.checkpoint(), _ -> new ArrayList<>()).add(append);
                    case Work.Barrier barrier -> {
                        commit(groups);
                        barrier.action().run();
                        barrier.done().complete(null);
                    }
                    case Work.Stop() -> stopped = true;
                }
            }
            int files = groups.size();
            long begin = System.nanoTime();
            commit(groups);
            rest(taken.size(), files, System.nanoTime() - begin);
            taken.clear();
            if (stopped) {
                queue.forEach(_ -> refuse(queue.poll()));
                return;
            }
        }
    }

    /** What waits; returns once something does. */
    private void take(List<Work> taken) {
        for (Work work = queue.poll(); work != null; work = taken.size() < MAX_GROUP ? queue.poll() : null) {
            taken.add(work);
        }
        while (taken.isEmpty()) {
            idle = true;
            Work work = queue.poll();
            if (work == null) {
                LockSupport.park(this);
                work = queue.poll();
            }
            idle = false;
            if (work != null) {
                taken.add(work);
            }
        }
    }

    /**
     * After small groups for as long as they took: a fsync keeps a processor as busy for one line as for a hundred, and those who come meanwhile share the
     * next. Not after a single line, whose caller may be the only one.
     */
    private void rest(int lines, int files, long tookNs) {
        if (lines > 1 && lines <= SMALL_GROUP * files) {
            LockSupport.parkNanos(this, Math.min(tookNs, LONGEST_REST_NS));
        }
    }

    private void commit(Map<Checkpoint, List<PendingAppend>> groups) {
        groups.forEach((checkpoint, group) -> {
            long begin = System.nanoTime();
            try {
                checkpoint.commit(group, buffer);
                writes = writes.plus(group.size(), System.nanoTime() - begin);
                List<PendingAppend> answered = checkpoint.mirror(group);
                answer(answered, append -> append.durable().complete(null));
            } catch (IOException e) {
                answer(group, append -> append.durable().completeExceptionally(e));
            } catch (RuntimeException | Error e) {
                // Memory or threads have run out. This thread must not end, with all waiting for it.
                checkpoint.fail(new IOException(e));
                group.forEach(append -> append.durable().completeExceptionally(e));
            }
        });
        groups.clear();
    }

    /**
     * On a virtual thread: those it wakes up, virtual ones for the most part, then run where it runs, at a fraction of what it
     * costs to wake them up from here; and the next group is written meanwhile.
     */
    private static void answer(List<PendingAppend> group, Consumer<PendingAppend> answer) {
        Thread.ofVirtual().name("checkpoint-answers").start(() -> group.forEach(answer));
    }

    /** From any thread. */
    Writes writes() {
        return writes;
    }

    /** Returns when the appends submitted before are committed. */
    @Override
    public void close() {
        put(new Work.Stop());
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
