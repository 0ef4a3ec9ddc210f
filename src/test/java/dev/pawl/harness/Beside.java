package dev.pawl.harness;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * Does something beside a test, each time on a thread of its own. By default futures share threads, one less than the machine has
 * processors: what waits on such a thread holds up what other tests have to do there.
 */
public final class Beside {

    private static final Executor OWN_THREAD = task -> Thread.ofPlatform().daemon().start(task);

    private Beside() {
    }

    public static <T> CompletableFuture<T> supply(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, OWN_THREAD);
    }

    public static CompletableFuture<Void> run(Runnable work) {
        return CompletableFuture.runAsync(work, OWN_THREAD);
    }
}
