package dev.pawl.intake;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * Lets deliveries of one ID run one after the other, in the order they came; those of different IDs don't wait for each other.
 * The first runs on its caller's thread, those that had to wait on the executor. Thread-safe.
 */
public final class Turns {

    private final ConcurrentMap<String, CompletableFuture<Void>> last = new ConcurrentHashMap<>();
    private final Executor executor;

    public Turns(Executor executor) {
        this.executor = executor;
    }

    public <T> CompletableFuture<T> take(String id, Supplier<CompletableFuture<T>> work) {
        CompletableFuture<Void> mine = new CompletableFuture<>();
        CompletableFuture<Void> before = last.put(id, mine);
        CompletableFuture<T> ended = before == null ? begin(work) : before.thenComposeAsync(_ -> work.get(), executor);
        return ended.whenComplete((_, _) -> {
            last.remove(id, mine);
            mine.complete(null);
        });
    }

    private static <T> CompletableFuture<T> begin(Supplier<CompletableFuture<T>> work) {
        try {
            return work.get();
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }
}
