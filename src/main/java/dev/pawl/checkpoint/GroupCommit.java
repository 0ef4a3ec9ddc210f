package dev.pawl.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;

import dev.pawl.checkpoint.Checkpoint.ClosedException;
import dev.pawl.checkpoint.Checkpoint.PendingAppend;

/**
 * One thread for a directory of checkpoints that makes concurrent appends share their writes and fsyncs: it takes what
 * waits, lets each file write and force its lines once, and goes on with what came meanwhile. A single append is
 * written at once; the busier the disk, the larger the groups.
 */
final class GroupCommit implements AutoCloseable {

    /** Bounds the memory of one write; larger groups gain nothing any more. */
    private static final int MAX_GROUP = 4096;

    private sealed interface Work {
        record Append(PendingAppend append) implements Work {}

        record Barrier(Runnable action, CompletableFuture<Void> done) implements Work {}

        record Stop() implements Work {}
    }

    private final LinkedBlockingQueue<Work> queue = new LinkedBlockingQueue<>();
    private volatile boolean stopped;
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
            try {
                taken.add(queue.take());
            } catch (InterruptedException e) {
                return;
            }
            queue.drainTo(taken, MAX_GROUP - 1);
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
            commit(groups);
            taken.clear();
            if (stopped) {
                queue.forEach(_ -> refuse(queue.poll()));
                return;
            }
        }
    }

    private static void commit(Map<Checkpoint, List<PendingAppend>> groups) {
        groups.forEach(Checkpoint::commit);
        groups.clear();
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
