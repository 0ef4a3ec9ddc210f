package dev.pawl.intake;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

import io.smallrye.mutiny.Uni;

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

    public <T> Uni<T> take(String id, Supplier<Uni<? extends T>> work) {
        return Uni.createFrom().deferred(() -> {
            CompletableFuture<Void> mine = new CompletableFuture<>();
            CompletableFuture<Void> before = last.put(id, mine);
            Uni<Void> turn = before == null
                    ? Uni.createFrom().voidItem()
                    : Uni.createFrom().completionStage(before).emitOn(executor);
            return turn.<T>chain(work).onTermination().invoke(() -> {
                last.remove(id, mine);
                mine.complete(null);
            });
        });
    }
}
